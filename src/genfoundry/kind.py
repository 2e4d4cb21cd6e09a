"""What a kind of data promises, and the one way to ask for it: a kind is a folder of `kinds/`, kept part by part.

    spec.py      what such data look like: `SPEC`, `NOUN`                                    `SpecPart`
    storage.py   the canonical form on disk                                                  `StoragePart`
    take.py      how a user's files become examples, and what a user may say of that         `TakePart`
    rows.py      rows and batches, the only part that imports torch                          `RowsPart`
    suite.py     what Great Expectations is asked                                            `SuitePart`
    drift.py     how far a version lies from another                                         `DriftPart`
    examples.py  what contracts try it on, and the families that read it; may be missing     `ExamplesPart`

A part is a module. It is imported when it is asked for, through the catalogue, so nothing lists the kinds and nothing
is loaded that is not needed: `kind.of(version).rows.open_split(folder, "train", version.spec, device)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast, runtime_checkable

from genfoundry import catalog
from genfoundry.records import Spec

if TYPE_CHECKING:
    import numpy as np
    import torch
    from pydantic import BaseModel
    from torch import Tensor

    from genfoundry.batch import Batch, Split
    from genfoundry.data.before import Before
    from genfoundry.data.expectations import CheckedTable
    from genfoundry.data.policy import Validation, Watch
    from genfoundry.data.quarantine import IntakeTally
    from genfoundry.dataset import Card
    from genfoundry.statistics.drift import Drift

Counts = dict[str, int]
Progress = Callable[[int, int], None]
"""Called with (steps done, steps in all)."""


class SpecPart(Protocol):
    """`spec.py`: what such data look like."""

    SPEC: type[Spec]
    """The kind's own spec; its `kind` is the folder's name."""
    NOUN: str
    """What the rows are called in sentences, in the plural: `images`."""

    def first_training(self, spec: Spec) -> tuple[str, dict[str, int]]:
        """What such data are first trained for: a task, and what has to be set of a recipe besides, by dotted key."""
        ...


class StoragePart(Protocol):
    """`storage.py`: the canonical form on disk, in a folder beside `card.json`. Imports no torch."""

    def write(self, folder: Path, examples: Iterable[Any], card: Card) -> tuple[Spec, Counts]:
        """Write the canonical form of `examples` into an empty folder.

        Args:
            examples: what a dataset's `examples()` or `take` yields.
            card: what was declared of them; `spec` and `counts` are not filled in by anybody yet, unless declared.

        Returns:
            the whole spec, and how many rows each split holds.

        Raises:
            UserError | ValueError: the examples do not agree with each other, or with the card.
        """
        ...

    def names(self, folder: Path, spec: Spec) -> tuple[str, ...]:
        """What the numbers in the data are called (classes, series), in order: `spec.num_names` of them, or none."""
        ...


@runtime_checkable
class Counted(Protocol):
    """What `storage.py` offers where the card may name classes."""

    def class_counts(self, folder: Path, spec: Spec) -> dict[str, list[int]]:
        """How many rows each class has, in each split."""
        ...


class Request(NamedTuple):
    """What a user asks to be taken in.

    `options` is of the kind's own `Options`. `before` is the version that it is added over; where that could not be
    read `lost` says why. `force` makes anew what can't go on from there.
    """

    path: Path
    options: Any
    before: Before | None = None
    lost: str = ""
    force: bool = False


def _unchanged(folder: Path, card: Card) -> Card:
    return card


class Taken(NamedTuple):
    """What a user's files gave.

    `examples` is for the kind's `storage.write`; `card` are the fields of the card that follow from the files (policy,
    class names, splits, …); `change` says how the set differs from the version before. `finish` is given the folder
    once it is written and the card as it is about to be sealed; it returns the card to seal, or raises UserError.
    """

    examples: Iterable[Any]
    card: Mapping[str, Any]
    change: str = ""
    finish: Callable[[Path, Card], Card] = _unchanged


class TakePart(Protocol):
    """`take.py`: how a user's files become examples. Importing it loads no array library: `data add --help` does."""

    Options: type[BaseModel]
    """What a user may say (frozen, extra forbidden). Of each field with a `description` an option of `genfoundry data
    add` and a field of Prefect's form is made; a field of several kinds has one meaning. `json_schema_extra` may say
    what an option needs (`{"needs": "cells"}`), for the sentence that refuses it where data have none."""
    FORM: str
    """What a user's files of this kind are, in words: `a folder of images`."""
    ITEMS: str
    """What the tally counts, in the plural: `files`."""
    MEMORY: tuple[str, ...]
    """The files of an earlier version, beside its card, by which a later one knows its rows again."""

    def recognise(self, path: Path) -> str | None:
        """Why what lies at `path` (which exists) is of this kind, as `it is a folder`; None where it is not.

        Raises:
            UserError: it would be, but for what the sentence says. It is shown where no other kind recognises the path.
        """
        ...

    def take(self, request: Request, tally: IntakeTally, progress: Progress) -> Taken:
        """Read the user's files, which are never changed.

        Args:
            tally: is told of every item; found = used + quarantined + skipped.

        Raises:
            UserError: says what is wrong, where, and what to do.
        """
        ...


class RowsPart(Protocol):
    """`rows.py`: rows as tensors. It may offer `Labelled` and `Pictured` besides."""

    def open_split(self, folder: Path, split: str, spec: Spec, device: torch.device | str = "cpu") -> Split:
        """The rows of one split of a dataset's folder."""
        ...

    def example_batch(self, spec: Spec, rows: int, seed: int = 0) -> Batch:
        """Random rows of a spec's shape and range, the same for the same seed."""
        ...


@runtime_checkable
class Labelled(Protocol):
    """What `rows.py` offers where rows may have a class: training can leave one out, or take a share of each."""

    def labels(self, split: Split) -> Tensor:
        """int64 (N,) on the CPU: the class of each row of `open_split`, -1 where it has none."""
        ...


@runtime_checkable
class Pictured(Protocol):
    """What `rows.py` offers where samples can be looked at."""

    def pictures(self, samples: Tensor, spec: Spec) -> np.ndarray:
        """uint8 (B, C, H, W), C 1 or 3, of what `Model.sample` gave."""
        ...


class SuitePart(Protocol):
    """`suite.py`: what Great Expectations is asked of a version."""

    def tables(self, folder: Path, spec: Spec, card: Card, policy: Validation) -> list[CheckedTable]:
        """Rows with what is expected of them, table by table.

        Raises:
            UserError: a file does not parse.
        """
        ...


class View(Protocol):
    """Features of rows as a kind of data holds them in memory: images are uint8 (N, C, H, W), features (N, D)."""

    name: str
    id: str

    def __call__(self, pixels: np.ndarray) -> np.ndarray: ...


def nothing() -> None:
    """No features of a trained network."""


class DriftPart(Protocol):
    """`drift.py`: how far a version lies from an earlier one, beyond the noise of the earlier one's own parts."""

    def measure_drift(
        self, old: Path, new: Path, spec: Spec, policy: Watch, trained: Callable[[], View | None] = nothing
    ) -> Drift:
        """What the folder of a version has that the old one has not, against the old one; or what went, against what
        stayed, where nothing came.

        Args:
            spec: of both.
            trained: gives the features of a network that was trained on the old version's training split, if there is
                one. Asked by kinds alone that are measured in features.
        """
        ...


class ExamplesPart(Protocol):
    """`examples.py`: small data of the kind, on which contracts are tried. Nothing that runs imports it."""

    SPECS: Sequence[Spec]
    """The shapes of data that families are tried on; the last is the smallest."""

    def flaw(self, samples: Tensor, spec: Spec) -> str:
        """What is wrong with what `Model.sample` gave for data of a spec, as half a sentence; empty for nothing."""
        ...

    def write_files(self, folder: Path) -> Path:
        """Write what a user might bring of this kind, small and sound, into a folder; the path of it."""
        ...


class Kind(NamedTuple):
    """One kind of data, by the name of its folder; each property imports one part."""

    name: str

    @property
    def spec(self) -> SpecPart:
        return cast(SpecPart, self._part("spec"))

    @property
    def storage(self) -> StoragePart:
        return cast(StoragePart, self._part("storage"))

    @property
    def take(self) -> TakePart:
        return cast(TakePart, self._part("take"))

    @property
    def rows(self) -> RowsPart:
        return cast(RowsPart, self._part("rows"))

    @property
    def suite(self) -> SuitePart:
        return cast(SuitePart, self._part("suite"))

    @property
    def drift(self) -> DriftPart:
        return cast(DriftPart, self._part("drift"))

    @property
    def examples(self) -> ExamplesPart:
        return cast(ExamplesPart, self._part("examples"))

    @property
    def has_examples(self) -> bool:
        return "examples" in catalog.parts("kinds", self.name)

    def _part(self, name: str) -> object:
        return catalog.part("kinds", self.name, name)


class OfAKind(Protocol):
    """A spec, a card, a dataset version."""

    @property
    def kind(self) -> str: ...


def of(what: OfAKind | str) -> Kind:
    """The kind of a spec, a card or a version, or the one of that name."""
    return Kind(what if isinstance(what, str) else what.kind)


def every() -> list[Kind]:
    """All kinds of the catalogue, by name."""
    return [Kind(name) for name in catalog.names("kinds")]
