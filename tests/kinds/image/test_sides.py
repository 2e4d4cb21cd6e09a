"""An image's side follows from it alone, and keeps: sets that grow, and sets of the rule before."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.earlier import lowest, picture, save, sealed

from genfoundry.data.before import found
from genfoundry.dataset import Card, folder_digest, read_card
from genfoundry.errors import UserError
from genfoundry.kinds.image.earlier import Earlier, Place, read
from genfoundry.kinds.image.splitting import Member, Plan, _better, fewest, fraction_of, rule_of, share, split
from genfoundry.project.root import data_dir
from genfoundry.stages.ingest import Intake, add

# as the release before made them of the same files
FLAT, CLASSES = "7bd548a61bc018b00e683ef89739a59c.dir", "43c53c38b2a9796b91a55cb005ba7f79.dir"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "project"))
    return tmp_path


def flat(home: Path, numbers: range, side: int = 16) -> Path:
    for number in numbers:
        save(home / f"{number:03}.png", picture(number, side))
    return home


def classes(home: Path, names: tuple[str, ...], count: int = 15) -> Path:
    for place, name in enumerate(names, 1):
        for number in range(count):
            save(home / name / f"{number:03}.png", picture(100 * place + number))
    return home


def take(home: Path, name: str = "mine", **options) -> Intake:
    return add(home, name, **{"licence": "own", "consent": "own", "force": True, **options})


def sides(name: str = "mine") -> dict[str, str]:
    with found(name) as (before, _):
        images = read(before)
    assert images is not None
    return {key: row.split for key, row in images.rows.items()}


def members(keys: set[str], class_name: str = "") -> list[Member]:
    return [Member(key, class_name, "", key) for key in sorted(keys)]


def keys(numbers) -> set[str]:
    return {hashlib.sha256(str(number).encode()).hexdigest() for number in numbers}


ENOUGH = keys(range(40))  # both sides are filled whatever else there is
MORE = st.sets(st.integers(1000, 10**6), max_size=60)


@given(MORE, MORE, st.floats(0.1, 0.9))
def test_no_image_changes_sides_whatever_else_there_is(some: set[int], more: set[int], fraction: float) -> None:
    less, plan = ENOUGH | keys(some), Plan(fraction)
    all_of_it = split(members(less | keys(more)), [""], plan, {})
    part = split(members(less), [""], plan, {})
    assert part.sides.items() <= all_of_it.sides.items()
    assert {key for key, side in part.sides.items() if side == "test"} == {k for k in less if share(k, 0) < fraction}


@given(MORE, MORE)
def test_a_set_of_the_rule_before_grows_and_no_image_changes_sides(some: set[int], more: set[int]) -> None:
    old = ENOUGH | keys(some)
    rows = {key: Place("test" if number % 5 == 0 else "train") for number, key in enumerate(sorted(old))}
    policy = {"split": "20% of each class is test, chosen by the hash of the pixels and seed 0"}
    card = Card(name="mine", kind="image", title="", licence="", source="", consent="", policy=policy)
    before = Earlier(card, rows)
    assert fraction_of(before) == 0.2
    same = split(members(old), [""], Plan(before=before), {})
    assert (same.same, same.rule, same.sentence) == (True, "", policy["split"])
    grown = split(members(old | keys(more)), [""], Plan(before=before), {})
    assert {key: grown.sides[key] for key in old} == {key: row.split for key, row in rows.items()}
    new = {key: grown.sides[key] for key in keys(more) - old}
    assert new == {key: "test" if share(key, 0) < 0.2 else "train" for key in new}
    if new:
        assert grown.rule == rule_of(0.2, 0)
        kept = sum((rows[key].split == "test") != (share(key, 0) < 0.2) for key in old)
        assert grown.sentence.endswith(f"; {kept} images are on the other side, as they were before")


def test_the_same_files_over_a_set_of_the_rule_before_are_the_same_bytes(tmp_path: Path) -> None:
    home = flat(tmp_path / "flat", range(40))
    assert sealed("flat", "flat", {"": {f"{n:03}.png": picture(n) for n in range(40)}}) == FLAT
    taken = take(home, "flat", force=False)
    assert taken.version.digest == folder_digest(data_dir() / "flat") == FLAT
    assert "rule" not in json.loads((data_dir() / "flat" / "card.json").read_text())
    assert take(home, "flat", test_fraction=0.2).version.digest == FLAT


def test_classes_of_a_set_of_before_keep_their_numbers_and_bytes(tmp_path: Path) -> None:
    """Numbered by code, `10` before `2`, and one of a name that would be taken for a split today."""
    names = ("10", "2", "Train")
    home = classes(tmp_path / "classes", names)
    old = {c: {f"{n:03}.png": picture(100 * k + n) for n in range(15)} for k, c in enumerate(names, 1)}
    assert sealed("classes", "classes", old, 0.3) == CLASSES
    assert take(home, "classes", force=False).version.digest == CLASSES
    save(classes(home, (*names, "3", "1"), 20) / "a" / "0.png", picture(9))
    for number in range(900, 930):
        save(home / "a" / f"{number}.png", picture(number))
    grown = take(home, "classes")
    assert grown.class_names == ("10", "2", "Train", "1", "3", "a")
    again = take(home, "classes", force=False)
    assert again.version == grown.version
    assert take(classes(tmp_path / "new", ("10", "2")), "new", test_fraction=0.3).class_names == ("2", "10")


def test_a_set_of_before_grows_twice_and_a_training_image_is_never_tested(tmp_path: Path) -> None:
    old = {"": {f"{n:03}.png": picture(n) for n in range(100)}}
    sealed("mine", "photos", old)
    first = sides()
    assert {key for key, side in first.items() if side == "test"} == lowest([*old[""].values()], 0.2)
    for most in (120, 200):
        taken = take(flat(tmp_path / "photos", range(most)))
        assert first.items() <= sides().items()
        assert f"{len(first)} images stay, {most - len(first)} come, 0 go" == taken.change
        first = sides()
    assert read_card(data_dir() / "mine").rule == "hash < 0.2, seed 0"
    assert lowest([picture(n) for n in range(200)], 0.2) - lowest([*old[""].values()], 0.2), "the old rule moved some"


def test_images_that_go_leave_the_others_where_they_were(tmp_path: Path) -> None:
    take(flat(tmp_path / "photos", range(60)), force=False)
    before = sides()
    (tmp_path / "photos" / "000.png").unlink()
    assert take(tmp_path / "photos").change == "59 images stay, 0 come, 1 go"
    assert sides().items() <= before.items()


def test_another_fraction_is_refused_and_what_was_split_with_one_keeps_it(tmp_path: Path) -> None:
    home = flat(tmp_path / "photos", range(60))
    take(home, test_fraction=0.4)
    before = sides()
    with pytest.raises(UserError, match=r"--test-fraction 0.1, and the version before was split with 0.4") as caught:
        take(home, test_fraction=0.1, force=False)
    assert "--force" in caught.value.remedy
    take(flat(home, range(80)))  # none is said
    assert before.items() <= sides().items()
    assert fraction_of(Earlier(read_card(data_dir() / "mine"), {})) == 0.4
    anew = take(home, test_fraction=0.1)
    assert anew.policy["before"] == "split anew with --test-fraction 0.1"
    assert sides() == {key: "test" if share(key, 0) < 0.1 else "train" for key in sides()}
    assert take(home, force=False).version == anew.version


def test_a_class_that_is_gone_is_refused_and_numbered_anew_on_demand(tmp_path: Path) -> None:
    home = classes(tmp_path / "three", ("a", "b", "c"), 30)
    before = take(home)
    (home / "b").rename(home / "z")
    with pytest.raises(UserError, match=r"Class 'b' of the version before is not in .*three\.") as caught:
        take(home, force=False)
    assert folder_digest(data_dir() / "mine") == before.version.digest
    assert "number the classes anew: --force" in caught.value.remedy
    anew = take(home)
    assert anew.class_names == ("a", "c", "z")
    assert anew.policy["before"] == "the classes are numbered anew, since one is gone"
    assert take(home, force=False).version == anew.version


def test_another_shape_is_a_new_set_and_said_once_for_all(tmp_path: Path) -> None:
    home = flat(tmp_path / "photos", range(40))
    take(home)
    small = take(home, size=8)
    assert "images were 3×16×16 (channels, height, width) and are 3×8×8" in small.policy["before"]
    assert small.change == ""
    again = take(home, force=False)  # without --size: as it is
    assert again.version == small.version
    assert "before" not in take(flat(home, range(45))).policy


def test_a_set_of_another_kind_is_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "y.csv").write_text("ds,y\n" + "".join(f"2024-01-{d:02},{d}\n" for d in range(1, 29)))
    take(tmp_path / "y.csv", horizon=1, context=2)
    taken = take(flat(tmp_path / "photos", range(40)))
    assert taken.policy["before"] == "the version before was of kind series: a new set"
    take(tmp_path / "y.csv", horizon=1, context=2)


def test_where_the_version_before_is_lost_nothing_goes_on_unasked(tmp_path: Path) -> None:
    home = flat(tmp_path / "photos", range(40))
    first = take(home).version
    (data_dir() / "mine" / "manifest.csv").write_text("meddled with")
    with pytest.raises(UserError, match=r"'mine' lies is not known: .*manifest.csv was changed") as caught:
        take(home, force=False)
    assert caught.value.remedy.endswith("to split it anew: --force")
    taken = take(home)
    assert taken.change.startswith("the version before could not be read, so this one is split anew")
    assert taken.version == first
    (data_dir() / "mine" / "train-images.npy").write_bytes(b"the manifest is enough")
    assert take(home).change == "40 images stay, 0 come, 0 go"


@pytest.mark.parametrize(("count", "fraction"), [(1, None), (2, None), (4, None), (5, 0.99)])
def test_too_few_to_be_split_are_refused_with_what_mends_it(tmp_path: Path, count: int, fraction: float | None) -> None:
    home = classes(tmp_path / "few", ("a", "b"), 60)
    shutil.rmtree(home / "b")
    lone = sorted(range(200, 260), key=lambda n: -share(_key(n), 0))[:count]  # all train at .2
    if fraction:
        lone = sorted(range(200, 260), key=lambda n: share(_key(n), 0))[:count]
    for number in lone:
        save(home / "b" / f"{number}.png", picture(number))
    with pytest.raises(UserError) as caught:
        take(home, test_fraction=fraction)
    train, test = (count, 0) if not fraction else (0, count)
    words = f"Class folder 'b' gives {count} usable, distinct images: {train} to train on, {test} to test with."
    assert caught.value.found == words
    assert not (data_dir() / "mine").exists()
    assert f"give more images of it: {fewest(fraction or 0.2)} nearly always give both" in caught.value.remedy
    if count > 1:
        better = caught.value.remedy.split()[1].rstrip(",")
        assert take(home, test_fraction=float(better)).counts["used"] == 60 + count
    else:
        assert "--test-fraction" not in caught.value.remedy


def _key(number: int) -> str:
    return hashlib.sha256(picture(number).tobytes()).hexdigest()


@given(st.sets(st.integers(), min_size=4, max_size=9), st.integers(2, 4))
def test_the_fraction_that_is_named_fills_both_sides(numbers: set[int], many: int) -> None:
    found = [Member(key, str(place % many), "", "") for place, key in enumerate(sorted(keys(numbers)))]
    if better := _better(found, 0):
        shares = {name: [share(one.key, 0) for one in found if one.class_name == name] for name in "0123"[:many]}
        assert all(min(each) < float(better) <= max(each) for each in shares.values() if each)


def test_twenty_one_of_a_class_are_enough_at_a_fifth() -> None:
    assert fewest(0.2) == fewest(0.8) == 21
    assert 0.8**21 < 0.01 < 0.8**20
    assert fewest(0.5) == 7
