"""A published model is a folder of two files of ours: `weights.safetensors` and `model.json`. No pickle, no code.

`model.json` names the family, its spec and config, the sha256 of the weights, and, where they have names, its classes
or series. Only this loader reads it, and it only ever builds a class of the installed catalogue. A folder that came
through MLflow holds `MLmodel` beside them, which must name our own served loader; any other file, and every link, is
refused before anything is read.
"""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any, Literal

import torch
import yaml
from pydantic import Field, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from genfoundry import catalog
from genfoundry.errors import UserError
from genfoundry.files import file_digest, write_atomic
from genfoundry.model import Model
from genfoundry.records import AnySpec, Record, Spec

FORMAT = 1
WEIGHTS, DESCRIPTION, MLMODEL = "weights.safetensors", "model.json", "MLmodel"
SERVED = "genfoundry.served"  # the one loader module that an MLmodel may name
ALLOWED = {WEIGHTS, DESCRIPTION, MLMODEL, "registered_model_meta"}  # MLflow writes the last beside what it downloads
MAX_TEXT = {DESCRIPTION: 64 << 20, MLMODEL: 1 << 20}  # bytes; 30,000 series have a megabyte of names
REMEDY = "publish the model again: genfoundry run RECIPE   (genfoundry doctor lists what is damaged)"


class Description(Record):
    """What `model.json` says.

    `names` are what the numbers of the classes of images, or of the series, are called, in order. It is left out where
    there are none, as releases before did.
    """

    format: Literal[1]
    family: str
    spec: AnySpec
    config: dict[str, Any]
    weights_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    names: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _name_each_once(self) -> Description:
        count = self.spec.num_names
        if self.names and not len(self.names) == len({*self.names}) == count:
            raise ValueError(f"{len({*self.names})} different names for {count} classes or series")
        return self


def build_model(family: str, spec: Spec, settings: dict) -> Model:
    """A fresh model of a family of the catalogue.

    Raises:
        pydantic.ValidationError: a setting is out of the range that the family's Config allows.
    """
    cls = catalog.load("models", family, Model)
    return cls(spec, cls.Config(**settings))


def write_model(folder: Path, family: str, model: Model, state: dict[str, Tensor], names: tuple[str, ...] = ()) -> str:
    """Publish `state` (the weights to use, averaged ones included) and the description; returns the weights' sha256.

    Args:
        names: what the numbers of the classes, or of the series, are called.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    digest = file_digest(write_atomic(folder / WEIGHTS, save(tensors)))
    description = {
        "format": FORMAT,
        "family": family,
        "spec": model.spec.model_dump(mode="json"),
        "config": model.config.model_dump(mode="json"),
        "weights_sha256": digest,
    }
    if names:
        description["names"] = names
    write_atomic(folder / DESCRIPTION, json.dumps(description, indent=1) + "\n")
    return digest


def load_model(folder: Path, device: str | torch.device = "cpu", weights: str = "") -> Model:
    """The model of a published folder, in evaluation mode, with the names that were published.

    Args:
        weights: the sha256 that whoever asks for the model knows its weights by; else the folder's own word is taken.

    Raises:
        UserError: a file is missing or not one of ours, the digest differs, or the format or family is unknown.
    """
    description = read_description(folder)
    if weights and description.weights_sha256 != weights:
        raise UserError(
            f"{folder / DESCRIPTION} names weights with sha256 {description.weights_sha256}; they were not loaded.",
            expected=weights,
            remedy=REMEDY,
        )
    state = _read_weights(folder / WEIGHTS, description.weights_sha256)
    try:
        model = build_model(description.family, description.spec, description.config)
        model.load_state_dict(state)
    except (ValidationError, RuntimeError) as error:
        raise UserError(
            f"{folder} does not fit the family '{description.family}' of this genfoundry: {error}",
            expected="weights and settings of the version of genfoundry that published them",
            remedy=REMEDY,
        ) from None
    model.names = description.names
    return model.to(device).eval()


def read_description(folder: Path) -> Description:
    """What a published folder says it is, after its file list was found to be only ours.

    Raises:
        UserError: see `load_model`; the weights are not read yet.
    """
    inspect_folder(folder)
    path = folder / DESCRIPTION
    try:
        document = json.loads(_text(path))
    except ValueError as error:
        raise UserError(f"{path} is not JSON: {error}", remedy=REMEDY) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else type(document).__name__
        raise UserError(
            f"{path} has format {found!r}.",
            expected=f"format {FORMAT}, which this genfoundry reads",
            remedy="install the version of genfoundry that published it, or publish the model again",
        )
    try:
        return Description.model_validate(document)
    except ValidationError as error:
        raise UserError(f"{path} is not a description of a model: {error}", remedy=REMEDY) from None


def inspect_folder(folder: Path) -> None:
    """Refuse a folder that holds anything but our files, as plain files.

    Raises:
        UserError: names the first thing that does not belong there, or that is missing.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder.", expected="the folder of a published model", remedy=REMEDY)
    for path in sorted(folder.iterdir()):
        if path.name not in ALLOWED or not stat.S_ISREG(path.lstat().st_mode):
            raise UserError(
                f"{path} does not belong to a published model; nothing of the folder was loaded.",
                expected=f"plain files named {', '.join(sorted(ALLOWED))}, and nothing else",
                remedy="do not use this folder unless you know who wrote it; " + REMEDY,
            )
    for name in (WEIGHTS, DESCRIPTION):
        if not (folder / name).exists():
            raise UserError(f"{folder / name} is missing.", expected=f"{WEIGHTS} and {DESCRIPTION}", remedy=REMEDY)
    if (folder / MLMODEL).exists():
        _check_mlmodel(folder / MLMODEL)


def _check_mlmodel(path: Path) -> None:
    """Only our loader, and no key through which MLflow would import code or build an environment."""
    try:
        document = yaml.safe_load(_text(path))
        flavors = document["flavors"]
        served = flavors["python_function"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not an MLflow model of ours: {error!r}", remedy=REMEDY) from None
    if list(flavors) != ["python_function"] or served != {"loader_module": SERVED}:
        raise UserError(
            f"{path} asks for another loader or for code: {json.dumps(flavors, default=str)[:300]}; it was not loaded.",
            expected=f"the flavor python_function with loader_module {SERVED} and nothing else",
            remedy="do not use this folder unless you know who wrote it; " + REMEDY,
        )


def _text(path: Path) -> str:
    if (size := path.stat().st_size) > MAX_TEXT[path.name]:
        raise UserError(f"{path} has {size} bytes.", expected=f"at most {MAX_TEXT[path.name]}", remedy=REMEDY)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text: {error}", remedy=REMEDY) from None


def _read_weights(path: Path, expected: str) -> dict[str, Tensor]:
    """The tensors of the very bytes that were hashed."""
    data = path.read_bytes()
    if (found := hashlib.sha256(data).hexdigest()) != expected:
        raise UserError(f"{path} has sha256 {found}; it was not loaded.", expected=expected, remedy=REMEDY)
    try:
        return load(data)
    except SafetensorError as error:
        raise UserError(f"{path} is not a safetensors file: {error}", remedy=REMEDY) from None
