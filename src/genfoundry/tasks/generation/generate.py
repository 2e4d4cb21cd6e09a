"""Images of a model as PNG files: samples, or completions of an image that is given."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor

from genfoundry.data.quarantine import as_text
from genfoundry.dataset import open_version
from genfoundry.errors import UserError
from genfoundry.files import write_atomic
from genfoundry.judging.sheet import grid
from genfoundry.kinds.image import storage
from genfoundry.kinds.image.pixels import to_pixels
from genfoundry.kinds.image.rows import ImageBatch, to_batch
from genfoundry.model import Completes, Model
from genfoundry.records import DatasetVersion
from genfoundry.serving import images, streams
from genfoundry.serving.images import Given
from genfoundry.serving.provenance import Provenance, stamped
from genfoundry.task import Generated
from genfoundry.training.naming import Chosen, choose_class

if TYPE_CHECKING:
    from genfoundry.tasks.generation.about import Wishes

BATCH = 32  # always drawn whole, so that the first images don't depend on how many follow
SHOWN, COLUMNS = 100, 10  # of the contact sheet
Make = Callable[[Tensor, Generator], Tensor]  # row numbers (B,) → images (B, C, H, W) in [-1, 1]


def write(model: Model, dataset_version: DatasetVersion, wishes: Wishes, origin: Provenance, out: Path) -> Generated:
    """Write one file per image, numbered, and a contact sheet of the first 100. The same seed gives the same bytes.

    Raises:
        UserError: there is no such class, or the image that is given is not one of the model's.
    """
    asked = _asked(model, dataset_version, wishes)
    origin = origin.model_copy(update={"given": asked.told})
    return Generated(origin, _write(batches(asked.make, wishes.number, wishes.seed), origin, out), asked.notes)


def sample(model: Model, dataset_version: DatasetVersion, wishes: Wishes) -> np.ndarray:
    """The pixels that `write` writes: uint8 (wishes.number, H, W, C).

    Raises:
        UserError: as `write`.
    """
    made = batches(_asked(model, dataset_version, wishes).make, wishes.number, wishes.seed)
    return np.concatenate([*made]).transpose(0, 2, 3, 1)


class Asked(NamedTuple):
    """How images are made as they were asked for; `told` is of what, `notes` what to tell."""

    make: Make
    told: str
    notes: list[str]


def _asked(model: Model, data: DatasetVersion, wishes: Wishes) -> Asked:
    if wishes.image is not None:
        given = images.read(wishes.image, model.spec.channels)
        return Asked(completing(model, given), given.told, [])
    chosen, notes = (None, []) if wishes.label is None else _class(wishes.label, model, data)
    return Asked(sampling(model, chosen), str(chosen or ""), notes)


def sampling(model: Model, chosen: Chosen | None) -> Make:
    """Samples of one class; of every class in turn where none is chosen."""
    spec = model.spec

    def make(rows: Tensor, generator: Generator) -> Tensor:
        in_turn = rows % spec.num_classes if model.takes_labels else torch.full_like(rows, -1)
        labels = in_turn if chosen is None else torch.full_like(rows, chosen.number)
        return model.sample(ImageBatch(torch.zeros(len(rows), *spec.shape), labels), generator)

    return make


def completing(model: Model, given: Given) -> Make:
    """Completions of an image: what is transparent is drawn anew, or its lower half where nothing is.

    Raises:
        UserError: the image is not of the model's size.
    """
    height, width = model.spec.height, model.spec.width
    if given.pixels.shape[1:] != (height, width):
        raise UserError(f"{as_text(given.path)} has {given.size} pixels.", expected=f"{width}×{height}, as the model's")
    opaque = given.opaque
    if opaque is None or opaque.all():
        opaque = np.arange(height)[:, None].repeat(width, 1) < height // 2
    image, known = to_batch(given.pixels[None], torch.device("cpu")).images, torch.from_numpy(opaque)[None, None]

    def make(rows: Tensor, generator: Generator) -> Tensor:
        whole, kept = (tensor.repeat(len(rows), 1, 1, 1) for tensor in (image, known))
        return torch.where(kept, whole, cast(Completes, model).complete(whole, kept, generator))

    return make


def batches(make: Make, count: int, seed: int) -> Iterator[np.ndarray]:
    """uint8 images (B, C, H, W), `count` in all; what a batch is drawn from depends on its number and the seed."""
    for first in range(0, count, BATCH):
        generator = streams.of_batch(seed, first // BATCH)
        with torch.inference_mode():
            yield to_pixels(make(torch.arange(first, first + BATCH), generator))[: count - first]


def _write(parts: Iterable[np.ndarray], origin: Provenance, out: Path) -> list[Path]:
    files: list[Path] = []
    shown: list[np.ndarray] = []
    for part in parts:
        shown.extend(part[: SHOWN - len(shown)])
        for pixels in part:
            files.append(images.write(out / f"{len(files):05d}.png", pixels, origin))
    sheet = Image.open(io.BytesIO(grid(np.stack(shown), min(COLUMNS, len(shown)))))
    return [*files, write_atomic(out / "contact-sheet.png", stamped(sheet, origin))]


def _class(asked: str, model: Model, data: DatasetVersion) -> tuple[Chosen, list[str]]:
    """The class of that name, else of that number, and what to tell of the choice.

    The names are those that were published with the weights; of versions that were published without, those on the
    card of the data that they were trained on.

    Raises:
        UserError: there is none.
    """
    if model.spec.num_classes < 2:
        raise UserError(f"'{data.name}' has no classes to ask for.", remedy="leave out --class")
    names, notes = model.names, []
    if not names:
        try:
            names = storage.names(open_version(data).folder, model.spec)
        except UserError:
            lost = "was published without the names of its classes, and its data are not on this machine"
            notes = [f"This version {lost}: {asked} was taken for the number of a class."]
    return choose_class(asked, names, model.spec.num_classes), notes
