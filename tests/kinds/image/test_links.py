"""Links are left out by name, never in silence; --follow-links reads what they lead to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.earlier import picture, save

from genfoundry.dataset import read_card
from genfoundry.errors import UserError
from genfoundry.kinds.image import storage
from genfoundry.project.root import data_dir
from genfoundry.stages.ingest import Intake, add

COUNT = 30


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `photos` beside `real`, whose files links will lead to."""
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "project"))
    for number in range(COUNT):
        save(tmp_path / "real" / f"{number:02}.png", picture(number))
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def take(home: Path, **options) -> Intake:
    return add(home, "mine", **{"licence": "own", "consent": "own", "force": True, **options})


def refused(home: Path, **options) -> UserError:
    with pytest.raises(UserError) as caught:
        take(home, **options)
    assert not (data_dir() / "mine").exists()
    return caught.value


def dogs(home: Path) -> None:
    for number in range(150):
        save(home / "dog" / f"{number}.png", picture(1000 + number))


def test_a_linked_class_folder_beside_a_real_one_stops_the_intake(home: Path) -> None:
    dogs(home)
    (home / "cat").symlink_to("../real")
    error = refused(home)
    assert "holds links to folders, which are not followed: 'cat'." in error.found
    assert error.remedy.startswith("--follow-links")
    taken = take(home, follow_links=True)
    assert {name: sum(of.values()) for name, of in taken.classes.items()} == {"cat": COUNT, "dog": 150}
    assert taken.counts == {"found": 180, "used": 180, "quarantined": 0, "skipped": 0}


def test_a_class_whose_files_are_all_links_stops_the_intake(home: Path) -> None:
    dogs(home)
    (home / "cat").mkdir()
    for path in (home.parent / "real").iterdir():
        (home / "cat" / path.name).symlink_to(path)
    error = refused(home)
    assert error.found.endswith(f"holds no image, but {COUNT} links, which are not followed.")
    assert error.remedy == "--follow-links"
    assert take(home, follow_links=True).class_names == ("cat", "dog")


@pytest.mark.parametrize("form", ["files", "folder", "splits"])
def test_a_folder_of_links_alone_is_told_and_read_on_demand(home: Path, form: str) -> None:
    names = sorted(path.name for path in (home.parent / "real").iterdir())
    if form == "files":
        for name in names:
            (home / name).symlink_to(Path("..") / "real" / name)
    elif form == "folder":
        (home / "cat").symlink_to("../real")
    else:
        (home / "train").symlink_to("../real")
        for number in range(20):
            save(home / "test" / f"{number}.png", picture(2000 + number))
    assert refused(home).remedy.startswith("--follow-links")
    taken = take(home, follow_links=True)
    assert taken.counts["used"] == COUNT + (20 if form == "splits" else 0)
    if form == "splits":
        assert read_card(data_dir() / "mine").counts == {"train": COUNT, "test": 20}


def test_links_among_files_are_put_aside_by_name_and_the_remedy_works(home: Path) -> None:
    for number in range(COUNT):
        save(home / f"m{number}.png", picture(3000 + number))
    for path in sorted((home.parent / "real").iterdir())[:10]:
        (home / path.name).symlink_to(path)
    error = refused(home)
    assert "10 of 40 files are bad (10 SYMLINK)" in error.found
    assert "read what links lead to: --follow-links" in error.remedy
    assert take(home, follow_links=True).counts == {"found": 40, "used": 40, "quarantined": 0, "skipped": 0}


def test_what_leads_nowhere_in_a_circle_or_to_no_file_is_put_aside(home: Path) -> None:
    for number in range(COUNT):
        save(home / f"m{number}.png", picture(3000 + number))
    (home / "loop.png").symlink_to("loop.png")
    (home / "gone.png").symlink_to("nowhere.png")
    os.mkfifo(home.parent / "pipe")
    (home / "pipe.png").symlink_to("../pipe")
    (home / "same.png").symlink_to("m0.png")
    taken = take(home, follow_links=True, max_bad_fraction=0.2)
    assert {(item.path, item.reason) for item in taken.quarantined} == {
        ("loop.png", "SYMLINK"), ("gone.png", "SYMLINK"), ("pipe.png", "SPECIAL"),
    }  # fmt: skip
    assert [(item.path, item.reason) for item in taken.skipped] == [("same.png", "DUPLICATE")]


@pytest.mark.parametrize("target", [".", "..", "../photos", "/"])
def test_a_link_back_to_what_holds_it_is_refused(home: Path, target: str) -> None:
    dogs(home)
    (home / "all").symlink_to(target)
    assert refused(home, follow_links=True).found == "all is a link to a folder that holds it."


def test_two_links_to_one_file_in_pairs_are_two_files(home: Path) -> None:
    for number in range(COUNT):
        pixels = picture(number)
        save(home / "hr" / f"{number}.png", pixels)
        (home / "lr").mkdir(exist_ok=True)
        (home / "lr" / f"{number}.png").symlink_to("../one.png")
    save(home / "one.png", picture(9000)[:, ::2, ::2])
    taken = add(
        home / "hr", "mine", paired=home / "lr", licence="own", consent="own", force=True, follow_links=True
    )  # fmt: skip
    assert taken.counts == {"found": 60, "used": 60, "quarantined": 0, "skipped": 0}
    sources = storage.read(data_dir() / "mine", "train").sources
    assert sources is not None
    assert (sources == picture(9000)[:, ::2, ::2]).all()


def test_a_folder_that_can_not_be_read_is_named(home: Path) -> None:
    dogs(home)
    (home / "secret").mkdir(mode=0o000)
    try:
        if os.access(home / "secret", os.R_OK):
            pytest.skip("this user may read everything")
        assert "secret could not be read: Permission denied" in refused(home).found
    finally:
        (home / "secret").chmod(0o755)
