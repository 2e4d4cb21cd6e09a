"""Every kind of the catalogue keeps the contract of `genfoundry.kind`, on its examples and on data that are shipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from genfoundry_flows import new_entries
from support.own_project import here, own_project

from genfoundry import catalog, kind
from genfoundry.contracts import entries, kinds
from genfoundry.data.building import embedded, write_sealed
from genfoundry.errors import UserError
from genfoundry.kind import Kind
from genfoundry.project.root import data_dir
from genfoundry.stages.ingest import add

EVERY = pytest.mark.parametrize("of", kind.every(), ids=lambda of: of.name)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "project"))
    return tmp_path


def shipped(of: Kind) -> str:
    """The first dataset of a kind that the installed packages carry."""
    names = (name for name in catalog.names("datasets") if embedded(name))
    return next(name for name in names if catalog.module("datasets", name).CARD.kind == of.name)


@EVERY
def test_its_parts_keep_what_is_promised_on_its_examples(of: Kind, tmp_path: Path) -> None:
    assert of.has_examples
    assert kinds.check(of.name, tmp_path / "tried").startswith("took in")
    assert not (tmp_path / "project").exists()


@EVERY
def test_what_is_written_is_read_judged_and_held_against_itself(of: Kind, tmp_path: Path) -> None:
    entry, folder = catalog.module("datasets", shipped(of)), tmp_path / "data" / shipped(of)
    folder.mkdir(parents=True)
    version = write_sealed(folder, entry.CARD, entry.examples())
    kinds.check_version(of, folder, version)
    kinds.check_example_batch(of, version.spec)


@EVERY
def test_a_users_files_are_taken_in(of: Kind, tmp_path: Path) -> None:
    path = kinds.check_recognised(of, tmp_path)
    assert kinds.claimed_by_others(of, path) == []
    taken = add(path, "mine", licence="CC0", consent="made by a test")
    assert taken.version.kind == of.name
    assert taken.counts["found"] == taken.counts["used"] > 0
    split = kind.of(taken.version).rows.open_split(data_dir() / "mine", "test", taken.version.spec)
    assert len(split) > 0
    again = add(path, "mine", kind=of.name, licence="CC0", consent="made by a test", force=True)
    assert again.version == taken.version


@pytest.fixture
def tone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kind of one's own, `tone`, as `genfoundry new` writes it."""
    project = here(own_project(tmp_path / "own"), monkeypatch)
    new_entries.write_entry("kind", "tone")
    return project / "acme_lab" / "kinds" / "tone"


@pytest.mark.parametrize(
    ("part", "was", "becomes", "says"),
    [
        ("storage", "def names(", "def nom(", "storage.py has no function names"),
        ("rows", "seed: int = 0", "seed: int = 1", r"rows.example_batch takes \(spec, rows, seed=1\)"),
        ("rows", "manual_seed(seed)", "manual_seed(0)", "example_batch gave the same rows for another seed"),
        ("spec", 'Literal["tone"] = "tone"', 'str = "acme:tone"', "spec.SPEC.kind is 'acme:tone'"),
        ("spec", 'NOUN = "numbers"', 'NOUN = ""', "spec.NOUN is ''"),
        ("take", "frozen=True", "frozen=False", "take.Options has"),
        (
            "take",
            'return "its name ends with .tone" if path.suffix == ".tone" else None',
            "return None",
            "does not know",
        ),
        ("take", "* float(line)", "* float(line) + __import__('random').random()", "the same bytes"),
        ("drift", "came, gone =", "was = was[1:]\n    came, gone =", "drift.measure_drift against itself found"),
        ("examples", "highest=1.0", "highest='much'", "ValidationError"),
    ],
)
def test_a_kind_that_breaks_a_promise_is_told_so(tone: Path, part: str, was: str, becomes: str, says: str) -> None:
    path = tone / f"{part}.py"
    source = path.read_text()
    assert was in source
    path.write_text(source.replace(was, becomes))
    with pytest.raises(UserError, match=says) as broken:
        entries.check("kinds", "tone")
    assert str(tone) in broken.value.found
