"""What `genfoundry generate` writes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from genfoundry.files import write_atomic
from genfoundry.kinds.image.rows import example_batch, pictures
from genfoundry.serving.provenance import stamped
from genfoundry.task import Generated

if TYPE_CHECKING:
    from genfoundry.serving.provenance import Provenance

    from .about import Wishes


def write(model: Any, dataset_version: Any, wishes: Wishes, origin: Provenance, out: Path) -> Generated:
    """PNG files, each of which says that it is synthetic and where it came from."""
    like = example_batch(model.spec, wishes.number, wishes.seed)
    with torch.inference_mode():
        made = model.sample(like, torch.Generator().manual_seed(wishes.seed)).cpu()
    files = []
    for number, pixels in enumerate(pictures(made, model.spec).transpose(0, 2, 3, 1)):
        picture = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels)
        files.append(write_atomic(out / f"{number:04}.png", stamped(picture, origin)))
    return Generated(origin, files, [])
