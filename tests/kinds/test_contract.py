"""The contract of every kind of the catalogue: its parts keep the promises of `genfoundry.kind`."""

from __future__ import annotations

import importlib
import inspect
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from pydantic import BaseModel

from genfoundry import catalog, kind
from genfoundry.batch import Batch
from genfoundry.data.building import embedded, write_sealed
from genfoundry.data.policy import Validation, Watch
from genfoundry.dataset import read_card
from genfoundry.errors import UserError
from genfoundry.kind import Kind
from genfoundry.project.root import data_dir
from genfoundry.records import DatasetVersion, Spec
from genfoundry.stages.ingest import add

PARTS = {
    "spec": kind.SpecPart,
    "storage": kind.StoragePart,
    "take": kind.TakePart,
    "rows": kind.RowsPart,
    "suite": kind.SuitePart,
    "drift": kind.DriftPart,
}
OFFERED = {"rows": (kind.Labelled, kind.Pictured), "storage": (kind.Counted,)}
EVERY = pytest.mark.parametrize("of", kind.every(), ids=lambda of: of.name)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "project"))
    return tmp_path


def functions(promise: type) -> dict[str, inspect.Signature]:
    found = {name: value for name, value in vars(promise).items() if inspect.isfunction(value) and name[0] != "_"}
    return {name: inspect.signature(function) for name, function in found.items()}


def shipped(of: Kind) -> str:
    """The first dataset of a kind that the installed packages carry."""
    names = (name for name in catalog.names("datasets") if embedded(name))
    return next(name for name in names if catalog.module("datasets", name).CARD.kind == of.name)


def sealed(of: Kind, home: Path) -> tuple[Path, DatasetVersion]:
    entry, folder = catalog.module("datasets", shipped(of)), home / "data" / shipped(of)
    folder.mkdir(parents=True)
    return folder, write_sealed(folder, entry.CARD, entry.examples())


@EVERY
def test_every_part_is_there_and_takes_what_is_promised(of: Kind) -> None:
    for name, promise in PARTS.items():
        part = getattr(of, name)
        offered = [each for each in OFFERED.get(name, ()) if isinstance(part, each)]
        promised = {word: signature for each in (promise, *offered) for word, signature in functions(each).items()}
        for word, signature in promised.items():
            mine = inspect.signature(getattr(part, word)).parameters
            wanted = [each for each in signature.parameters.values() if each.name != "self"]
            assert [*mine] == [each.name for each in wanted], f"{name}.{word}"
            assert [each.default for each in mine.values()] == [each.default for each in wanted], f"{name}.{word}"
        for word in promise.__annotations__:
            assert hasattr(part, word), f"kinds/{of.name}/{name}.py has no {word}"


@EVERY
def test_words_and_options_are_what_sentences_and_forms_need(of: Kind) -> None:
    assert issubclass(of.spec.SPEC, Spec)
    assert of.spec.SPEC.model_fields["kind"].default == of.name
    assert all(isinstance(word, str) and word for word in (of.spec.NOUN, of.take.FORM, of.take.ITEMS))
    options = of.take.Options
    assert issubclass(options, BaseModel)
    assert options.model_config.get("frozen")
    assert options.model_config.get("extra") == "forbid"
    assert not [name for name, field in options.model_fields.items() if field.is_required()]
    assert [name for name, field in options.model_fields.items() if field.description]


@EVERY
def test_what_is_written_is_read_judged_and_held_against_itself(of: Kind, tmp_path: Path) -> None:
    folder, version = sealed(of, tmp_path)
    assert DatasetVersion.model_validate_json(version.model_dump_json()) == version
    assert of.spec.first_training(version.spec)[0] in catalog.names("tasks")
    names, card = of.storage.names(folder, version.spec), read_card(folder)
    assert len(names) in (0, version.spec.num_names)
    assert set(card.counts) >= {"train", "test"}

    split = of.rows.open_split(folder, "train", version.spec)
    batch, example = split.batch(torch.arange(4)), of.rows.example_batch(version.spec, 4, seed=1)
    assert len(split) >= 4
    assert type(batch) is type(example)
    assert isinstance(batch, Batch)
    for field in fields(batch):
        mine, theirs = getattr(batch, field.name), getattr(example, field.name)
        assert (mine is None) == (theirs is None), field.name
        if mine is not None:
            assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape), field.name
    if isinstance(of.rows, kind.Labelled):
        assert of.rows.labels(split).shape == (len(split),)

    tables = of.suite.tables(folder, version.spec, card, Validation(min_rows=1))
    assert sum(len(table.suite) for table in tables) > 1
    found = of.drift.measure_drift(folder, folder, version.spec, Watch())
    assert (found.new_rows, found.gone_rows, found.exceeds) == (0, 0, False)
    assert found.rows_before == found.rows_after > 0


@EVERY
def test_example_batches_follow_from_their_seed(of: Kind, tmp_path: Path) -> None:
    spec = sealed(of, tmp_path)[1].spec
    one, same, other = (of.rows.example_batch(spec, 6, seed=seed) for seed in (3, 3, 4))
    assert len(one) == 6
    first = fields(one)[0].name
    torch.testing.assert_close(getattr(one, first), getattr(same, first), rtol=0, atol=0, equal_nan=True)
    assert not torch.equal(getattr(one, first), getattr(other, first))


@EVERY
def test_a_users_files_are_recognised_by_their_kind_alone_and_taken_in(of: Kind, tmp_path: Path) -> None:
    path = importlib.import_module(f"support.user_files.{of.name}").make(tmp_path)
    assert of.take.recognise(path)
    for other in kind.every():
        if other != of:
            with suppress(UserError):  # it says what it would need
                assert not other.take.recognise(path), other.name
    taken = add(path, "mine", licence="CC0", consent="made by a test")
    assert taken.version.kind == of.name
    assert taken.counts["found"] == taken.counts["used"] > 0
    split = kind.of(taken.version).rows.open_split(data_dir() / "mine", "test", taken.version.spec)
    assert len(split) > 0
    again = add(path, "mine", kind=of.name, licence="CC0", consent="made by a test", force=True)
    assert again.version == taken.version
