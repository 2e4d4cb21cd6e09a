"""A snapshot: everything that a training needs to go on as if nothing had happened, in two files without a pickle.

`snapshot-<step>.safetensors` holds the weights, the averaged weights, the optimisers' tensors and the generators'
states; `snapshot-<step>.json`, written last and sealed, holds the rest and the file's sha256. What does not hold is
passed over, and said.
"""

from __future__ import annotations

import random
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.optim import Optimizer

from genfoundry.data import sealed
from genfoundry.data.sealed import Damaged
from genfoundry.errors import UserError
from genfoundry.files import file_digest, write_atomic

KEEP = 2
NAME = re.compile(r"snapshot-(\d+)\.(json|safetensors)")
MEMBERS = ("step", "sha256", "groups", "python")
SEALED = {"manifest": "sealed"}  # said beside the tensors: the manifest of these has a seal, and is none without it


class TrainingState(NamedTuple):
    """What is saved: live objects, filled in place by `restore`."""

    modules: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]


def write(folder: Path, step: int, state: TrainingState) -> Path:
    """Publish the snapshot of `step`; older ones but the last are dropped."""
    tensors = {f"module/{name}/{k}": v for name, m in state.modules.items() for k, v in m.state_dict().items()}
    groups: dict[str, Any] = {}
    for name, optimizer in state.optimizers.items():
        saved = optimizer.state_dict()
        groups[name] = [{k: v for k, v in g.items() if not isinstance(v, Tensor)} for g in saved["param_groups"]]
        for index, values in saved["state"].items():
            tensors |= {f"optimizer/{name}/{index}/{k}": torch.as_tensor(v) for k, v in values.items()}
    tensors |= _generators()
    path = folder / f"snapshot-{step:08d}.safetensors"
    write_atomic(path, save({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, metadata=SEALED))
    manifest = {"step": step, "sha256": file_digest(path), "groups": groups, "python": random.getstate()}
    sealed.write(path.with_suffix(".json"), manifest)
    _drop(folder, step)
    return path


def _drop(folder: Path, step: int) -> None:
    """Remove what is older than the last ones, and what was passed over: a later step than the training has come to."""
    steps = _steps(folder)
    kept = [known for known in steps if known <= step][:KEEP]
    for name in (name for known in steps if known not in kept for name in steps[known]):
        (folder / name).unlink(missing_ok=True)


def _steps(folder: Path) -> dict[int, list[str]]:
    """The names of snapshots' files by their step, the newest first."""
    found: dict[int, list[str]] = {}
    for name in sorted(path.name for path in folder.iterdir()):
        if match := NAME.fullmatch(name):
            found.setdefault(int(match[1]), []).append(name)
    return dict(sorted(found.items(), reverse=True))


def room(folder: Path, state: TrainingState) -> int:
    """Bytes that a training still takes in `folder`: the snapshots it keeps, one being written, and the weights.

    Counts two moments for each optimised parameter, as Adam has, before there are any.
    """
    tensors = [tensor for module in state.modules.values() for tensor in module.state_dict().values()]
    groups = [group for optimizer in state.optimizers.values() for group in optimizer.param_groups]
    one = sum(t.nbytes for t in tensors) + 2 * sum(p.nbytes for group in groups for p in group["params"])
    there = len(list(folder.glob("snapshot-*.safetensors")))
    return one * (KEEP + 2 - min(there, KEEP))


def latest(folder: Path, say: Callable[[str], None] = sealed.say) -> tuple[int, Path] | None:
    """Step and file of the newest snapshot that is whole; `say` is told of each one that is passed over."""
    for step, names in _steps(folder).items():
        manifest = folder / f"snapshot-{step:08d}.json"
        try:
            if manifest.name not in names:
                raise Damaged("it has no manifest")
            read(manifest, say)
        except Damaged as error:
            say(sealed.damage(folder / names[0], error, "that snapshot is left out"))
        else:
            return step, manifest.with_suffix(".safetensors")
    return None


def read(manifest: Path, say: Callable[[str], None] = sealed.say) -> dict[str, Any]:
    """The manifest of a snapshot, both of whose files are whole. One of a release before the seals is sealed.

    Raises:
        Damaged: they are not, or one of them is another step's.
    """
    try:
        found, had_seal = sealed.opened(manifest.read_bytes(), MEMBERS)
        path = manifest.with_suffix(".safetensors")
        if set(found) != set(MEMBERS) or manifest.name != f"snapshot-{found['step']:08d}.json":
            raise Damaged(f"it says that it is of step {found.get('step')}")
        if not path.is_file():
            raise Damaged(f"{path.name} is missing")
        if file_digest(path) != found["sha256"]:
            raise Damaged(f"{path.name} is not the file that it names")
        if not had_seal and _is_sealed(path):
            raise Damaged("its seal is gone")
    except (OSError, ValueError, TypeError) as error:
        raise Damaged(str(error)) from None
    if not had_seal:
        say(sealed.adopted(manifest))
        sealed.write(manifest, found)
    return found


def _is_sealed(path: Path) -> bool:
    try:
        with safe_open(path, "pt") as file:
            return file.metadata() == SEALED
    except SafetensorError as error:
        raise Damaged(f"{path.name} is no file of tensors: {error}") from None


def restore(path: Path, state: TrainingState) -> None:
    """Fill `state` from a snapshot, and set the random generators to where they were.

    Raises:
        UserError: it is of another training.
    """
    tensors, manifest = load_file(path), read(path.with_suffix(".json"))
    try:
        _fill(state, tensors, manifest)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        files = shlex.quote(str(path.with_suffix("")))
        raise UserError(
            f"{path} does not fit this training: {error!r}",
            expected="a snapshot of the same family and settings",
            remedy=f"rm {files}.*   (the training then goes on from an older one, or begins anew)",
        ) from error


def _fill(state: TrainingState, tensors: dict[str, Tensor], manifest: dict[str, Any]) -> None:
    for name, module in state.modules.items():
        prefix = f"module/{name}/"
        module.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
    for name, optimizer in state.optimizers.items():
        saved: dict[int, dict[str, Tensor]] = {}
        prefix = f"optimizer/{name}/"
        for key in (k for k in tensors if k.startswith(prefix)):
            index, _, field = key.removeprefix(prefix).partition("/")
            saved.setdefault(int(index), {})[field] = tensors[key]
        current = optimizer.state_dict()["param_groups"]
        groups = [{**now, **old} for now, old in zip(current, manifest["groups"][name], strict=True)]
        optimizer.load_state_dict({"state": saved, "param_groups": groups})
        _lay_out_like_parameters(optimizer)
    _set_generators(tensors, manifest["python"])


def _lay_out_like_parameters(optimizer: Optimizer) -> None:
    """Give moments the strides of their parameter: a fused step pairs them element by element as they lie in memory."""
    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                values[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _generators() -> dict[str, Tensor]:
    numpy = np.random.get_state(legacy=False)["state"]
    found = {
        "rng/torch": torch.get_rng_state(),
        "rng/numpy": torch.from_numpy(numpy["key"].astype(np.int64)),
        "rng/numpy_position": torch.tensor(numpy["pos"]),
    }
    if torch.cuda.is_available():
        found |= {f"rng/cuda/{i}": s for i, s in enumerate(torch.cuda.get_rng_state_all())}
    return found


def _set_generators(tensors: dict[str, Tensor], python: Any) -> None:
    version, internal, gauss = python
    random.setstate((version, tuple(internal), gauss))
    torch.set_rng_state(tensors["rng/torch"])
    key = tensors["rng/numpy"].numpy().astype(np.uint32)
    np.random.set_state(("MT19937", key, int(tensors["rng/numpy_position"]), 0, 0.0))
    cuda = [tensors[k] for k in sorted(t for t in tensors if t.startswith("rng/cuda/"))]
    if cuda and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(cuda)
