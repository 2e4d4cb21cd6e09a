"""The contract of kinds of data: the parts of one keep the promises of `genfoundry.kind`."""

from __future__ import annotations

import inspect
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import torch
from pydantic import BaseModel

from genfoundry import catalog, kind
from genfoundry.batch import Batch
from genfoundry.contracts.promise import hold, hold_same
from genfoundry.data.building import write_sealed
from genfoundry.data.policy import Validation, Watch
from genfoundry.data.quarantine import IntakeTally
from genfoundry.dataset import Card, read_card
from genfoundry.errors import UserError
from genfoundry.kind import Kind
from genfoundry.records import DatasetVersion, Spec

PARTS = {
    "spec": kind.SpecPart,
    "storage": kind.StoragePart,
    "take": kind.TakePart,
    "rows": kind.RowsPart,
    "suite": kind.SuitePart,
    "drift": kind.DriftPart,
    "examples": kind.ExamplesPart,
}
OFFERED = {"rows": (kind.Labelled, kind.Pictured), "storage": (kind.Counted,)}


def check(name: str, folder: Path) -> str:
    """Try a kind on its own examples: they are recognised, taken in, sealed, opened, validated, held against
    themselves; says what was tried.

    Raises:
        BrokenPromise: it does not keep what kinds promise.
        UserError: a part is missing, or does not import.
    """
    of = kind.of(name)
    for part in PARTS:
        if part != "examples" or of.has_examples:
            check_part(of, part)
    check_words(of)
    if not of.has_examples:
        return "its parts are there; it has no examples.py, so no data were tried"
    check_samples(of)
    source = check_recognised(of, folder)
    version = take_in(of, source, folder / "data")
    check_version(of, folder / "data", version)
    check_example_batch(of, version.spec)
    others = " and ".join(claimed_by_others(of, source))
    return f"took in, opened and validated {source.name}" + (
        f"; {others} would take it, too, so data add asks for --kind" if others else ""
    )


def check_part(of: Kind, name: str) -> None:
    """A part offers every function that is promised, with the same arguments and defaults, and every constant."""
    part, promise = getattr(of, name), PARTS[name]
    offered = [each for each in OFFERED.get(name, ()) if isinstance(part, each)]
    for word, wanted in {word: each for of in (promise, *offered) for word, each in _functions(of).items()}.items():
        mine = getattr(part, word, None)
        hold(callable(mine), f"{name}.py has no function {word}.", f"{word}({', '.join(wanted)})")
        found = {each.name: each.default for each in inspect.signature(cast(Any, mine)).parameters.values()}
        hold(
            [*found.items()] == [*wanted.items()],
            f"{name}.{word} takes ({_told(found)}).",
            f"{word}({_told(wanted)}), as genfoundry.kind.{promise.__name__} says",
        )
    lacking = [word for word in promise.__annotations__ if not hasattr(part, word)]
    hold(not lacking, f"{name}.py has no {', '.join(lacking)}.", f"all of genfoundry.kind.{promise.__name__}")


def _functions(promise: type) -> dict[str, dict[str, Any]]:
    """The arguments, with their defaults, of what a protocol promises."""
    found = {name: value for name, value in vars(promise).items() if inspect.isfunction(value) and name[0] != "_"}
    return {
        name: {
            each.name: each.default for each in inspect.signature(function).parameters.values() if each.name != "self"
        }
        for name, function in found.items()
    }


def _told(arguments: dict[str, Any]) -> str:
    empty = inspect.Parameter.empty
    return ", ".join(name if default is empty else f"{name}={default!r}" for name, default in arguments.items())


def check_words(of: Kind) -> None:
    """It says its own name and its words, and every option that a user may give has a default."""
    said = of.spec.SPEC.model_fields["kind"].default
    hold(said == of.name, f"spec.SPEC.kind is {said!r}.", f"{of.name!r}, by which the kind is found again")
    for where, word in {"spec.NOUN": of.spec.NOUN, "take.FORM": of.take.FORM, "take.ITEMS": of.take.ITEMS}.items():
        hold(isinstance(word, str) and word, f"{where} is {word!r}.", "words for people")
    options = of.take.Options
    form = isinstance(options, type) and issubclass(options, BaseModel)
    hold(form, f"take.Options is {options!r}.", "a pydantic model")
    config = options.model_config
    hold(
        config.get("frozen") and config.get("extra") == "forbid", f"take.Options has {config}.", "frozen, extra=forbid"
    )
    asked = [name for name, field in options.model_fields.items() if field.is_required()]
    hold(not asked, f"take.Options has no default for {', '.join(asked)}.", "a default for each")


def check_samples(of: Kind) -> None:
    """Families can be tried on it: its examples are of its spec, and their rows have no flaw of their own kind."""
    hold(of.examples.SPECS, "examples.SPECS is empty.", "shapes of data that families are tried on")
    for spec in of.examples.SPECS:
        hold(isinstance(spec, of.spec.SPEC), f"examples.SPECS holds {spec!r}.", f"of {of.spec.SPEC.__name__}")
        check_example_batch(of, spec)


def check_recognised(of: Kind, folder: Path) -> Path:
    """A user's files are recognised by their kind; gives their path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = of.examples.write_files(folder)
    hold(of.take.recognise(path), f"take.recognise does not know {path.name}.", "why what examples.py wrote is its own")
    return path


def claimed_by_others(of: Kind, path: Path) -> list[str]:
    """The other kinds that take files of this one for theirs, so that a user has to say which is meant."""
    found = []
    for other in kind.every():
        if other != of and _stands(other):
            with suppress(UserError):  # it says what it would need
                found += [other.name] if other.take.recognise(path) else []
    return found


def _stands(other: Kind) -> bool:
    """Whether another kind imports; what is wrong with it is told where it is tried itself."""
    try:
        return bool(other.take)
    except UserError:
        return False


def take_in(of: Kind, path: Path, folder: Path) -> DatasetVersion:
    """Take files in and seal them in `folder`, twice, to the same version."""
    versions = []
    for home in (folder, folder.with_name("again")):
        tally = IntakeTally("examples", 0.01, of.take.ITEMS)
        taken = of.take.take(kind.Request(path, of.take.Options()), tally, lambda done, total: None)
        card = _card(of).model_copy(update={**taken.card})
        home.mkdir()
        versions.append(write_sealed(home, card, taken.examples, taken.finish))
        counts = tally.found
        hold(counts["found"] == counts["used"] > 0, f"take told of {counts}.", "every sound item is used")
    hold(
        versions[0] == versions[1],
        f"The same files gave {versions[0].digest} and then {versions[1].digest}.",
        "the same files, the same bytes",
    )
    return versions[0]


def _card(of: Kind) -> Card:
    return Card(name="examples", kind=of.name, title="Examples", licence="CC0", source="examples.py", consent="made up")


def check_version(of: Kind, folder: Path, version: DatasetVersion) -> None:
    """What was written is described, opened, validated, and held against itself."""
    spec = version.spec
    again = DatasetVersion.model_validate_json(version.model_dump_json())
    hold(again == version, f"A record of it reads back as {again}.", f"{version}")
    first = of.spec.first_training(spec)[0]
    known = catalog.names("tasks")
    hold(first in known, f"spec.first_training names the task '{first}'.", f"one of {', '.join(known)}")
    names, card = of.storage.names(folder, spec), read_card(folder)
    hold(len(names) in (0, spec.num_names), f"storage.names gave {len(names)}.", f"{spec.num_names} names, or none")
    hold({*card.counts} >= {"train", "test"}, f"storage.write counted {card.counts}.", "rows of train and of test")
    _check_rows(of, folder, spec)
    tables = of.suite.tables(folder, spec, card, Validation(min_rows=1))
    hold(sum(len(table.suite) for table in tables) > 1, "suite.tables expects next to nothing.", "two expectations")
    found = of.drift.measure_drift(folder, folder, spec, Watch())
    still = (found.new_rows, found.gone_rows, found.exceeds) == (0, 0, False) and found.rows_before == found.rows_after
    hold(still, f"drift.measure_drift against itself found {found}.", "nothing new, nothing gone, no drift")


def _check_rows(of: Kind, folder: Path, spec: Spec) -> None:
    split = of.rows.open_split(folder, "train", spec)
    hold(len(split) >= 4, f"rows.open_split gave {len(split)} rows of train.", "four at least")
    hold(len(of.rows.open_split(folder, "test", spec)), "rows.open_split gave no row of test.", "one at least")
    batch, example = split.batch(torch.arange(4)), of.rows.example_batch(spec, 4, seed=1)
    alike = type(batch) is type(example) and issubclass(type(batch), Batch)
    hold(alike, f"Rows come as {type(batch).__name__}, examples as {type(example).__name__}.", "the same Batch")
    for field in fields(cast(Any, batch)):
        mine, theirs = (_shape(getattr(each, field.name)) for each in (batch, example))
        hold(mine == theirs, f"{field.name} is {mine} in rows and {theirs} in rows.example_batch.", "the same")
    if isinstance(of.rows, kind.Labelled):
        shape = tuple(of.rows.labels(split).shape)
        hold(shape == (len(split),), f"rows.labels gave {shape}.", f"({len(split)},), one for each row")


def _shape(part: Any) -> tuple[Any, ...] | None:
    return None if part is None else (part.dtype, tuple(part.shape))


def check_example_batch(of: Kind, spec: Spec) -> None:
    """Random rows follow from their seed."""
    one, same, other = (of.rows.example_batch(spec, 6, seed=seed) for seed in (3, 3, 4))
    hold(len(one) == 6, f"rows.example_batch gave {len(one)} rows for 6.", "as many as were asked for")
    first = fields(cast(Any, one))[0].name
    rows, again, others = (getattr(each, first) for each in (one, same, other))
    hold_same(rows, again, "rows.example_batch gave other rows for the same seed.", "the same seed, the same rows")
    hold(not torch.equal(rows, others), "rows.example_batch gave the same rows for another seed.", "other rows")
