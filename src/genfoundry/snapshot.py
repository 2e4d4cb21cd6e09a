"""A snapshot: everything that a training needs to go on as if nothing had happened, in one file without a pickle.

`snapshot-<step>.safetensors` holds the weights, the averaged weights, the optimisers' tensors and the generators'
states; `snapshot-<step>.json`, written last, holds the rest and the file's sha256. One without the other is ignored.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from torch.optim import Optimizer

from genfoundry.files import file_digest, publish

KEEP = 2


class State(NamedTuple):
    """What is saved: live objects, filled in place by `restore`."""

    modules: dict[str, nn.Module]
    optimizers: dict[str, Optimizer]


def write(folder: Path, step: int, state: State) -> Path:
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
    publish(path, save({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}))
    manifest = {"step": step, "sha256": file_digest(path), "groups": groups, "python": random.getstate()}
    publish(path.with_suffix(".json"), json.dumps(manifest))
    for old in sorted(folder.glob("snapshot-*.json"))[:-KEEP]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)
    return path


def room(folder: Path, state: State) -> int:
    """Bytes that a training still takes in `folder`: the snapshots it keeps, one being written, and the weights.

    Counts two moments for each optimised parameter, as Adam has, before there are any.
    """
    tensors = [tensor for module in state.modules.values() for tensor in module.state_dict().values()]
    groups = [group for optimizer in state.optimizers.values() for group in optimizer.param_groups]
    one = sum(t.nbytes for t in tensors) + 2 * sum(p.nbytes for group in groups for p in group["params"])
    there = len(list(folder.glob("snapshot-*.safetensors")))
    return one * (KEEP + 2 - min(there, KEEP))


def latest(folder: Path) -> tuple[int, Path] | None:
    """Step and file of the newest snapshot that is whole; a torn or altered one is passed over."""
    for manifest in sorted(folder.glob("snapshot-*.json"), reverse=True):
        path = manifest.with_suffix(".safetensors")
        saved = json.loads(manifest.read_text())
        if path.is_file() and file_digest(path) == saved["sha256"]:
            return saved["step"], path
    return None


def restore(path: Path, state: State) -> None:
    """Fill `state` from a snapshot, and set the random generators to where they were."""
    tensors = load_file(path)
    manifest = json.loads(path.with_suffix(".json").read_text())
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
