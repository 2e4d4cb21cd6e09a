"""A published model is a folder of two files of ours: `weights.safetensors` and `model.json`. No pickle, no code.

`model.json` names the family, its spec and config, and the sha256 of the weights. Only this loader reads it, and it
only ever builds a class of the installed catalogue.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from genfoundry import catalog
from genfoundry.errors import UserError
from genfoundry.files import file_digest, publish
from genfoundry.model import Model
from genfoundry.records import ImageSpec, SeriesSpec

FORMAT = 1
WEIGHTS, DESCRIPTION = "weights.safetensors", "model.json"
SPECS = {"image": ImageSpec, "series": SeriesSpec}


def build_model(family: str, spec: ImageSpec | SeriesSpec, settings: dict) -> Model:
    """A fresh model of a family of the catalogue.

    Raises:
        pydantic.ValidationError: a setting is out of the range that the family's Config allows.
    """
    cls = catalog.load("models", family, Model)
    return cls(spec, cls.Config(**settings))


def write_model(folder: Path, family: str, model: Model, state: dict[str, Tensor]) -> str:
    """Publish `state` (the weights to use, averaged ones included) and the description; returns the weights' sha256."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    weights = publish(folder / WEIGHTS, save(tensors))
    description = {
        "format": FORMAT,
        "family": family,
        "spec": model.spec.model_dump(mode="json"),
        "config": model.config.model_dump(mode="json"),
        "weights_sha256": file_digest(weights),
    }
    publish(folder / DESCRIPTION, json.dumps(description, indent=1) + "\n")
    return description["weights_sha256"]


def load_model(folder: Path, device: str | torch.device = "cpu") -> Model:
    """The model of a published folder, in evaluation mode.

    Raises:
        UserError: a file is missing, the digest differs, or the format or family is unknown.
    """
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    if description["format"] != FORMAT:
        raise UserError(f"{folder / DESCRIPTION} has format {description['format']}.", expected=f"format {FORMAT}")
    weights = folder / WEIGHTS
    if (found := file_digest(weights)) != description["weights_sha256"]:
        raise UserError(f"{weights} has sha256 {found}.", expected=description["weights_sha256"])
    spec = SPECS[description["spec"]["kind"]].model_validate(description["spec"])
    model = build_model(description["family"], spec, description["config"])
    model.load_state_dict(load_file(weights))
    return model.to(device).eval()
