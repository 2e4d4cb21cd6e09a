"""Which device and precision a training really gets."""

from __future__ import annotations

import time
from typing import NamedTuple

import torch

from genfoundry.errors import UserError

SIZE, TURNS = 512, 12
GAIN = 1.2  # bf16 must be this much faster than fp32 before a CPU uses it


class Resolved(NamedTuple):
    """`accelerator` in Lightning's word, `name` for the record."""

    accelerator: str
    device: torch.device
    precision: str
    name: str


def resolve(accelerator: str, precision: str) -> Resolved:
    """Turn `auto` into what this machine has.

    Raises:
        UserError: a GPU is asked for and there is none.
    """
    gpu = torch.cuda.is_available()
    if accelerator == "gpu" and not gpu:
        raise UserError(
            "training.accelerator is 'gpu' and torch sees no GPU here.",
            remedy="set training.accelerator=auto, or run where a CUDA device and a CUDA build of torch are",
        )
    if gpu and accelerator != "cpu":
        wanted = "bf16" if precision == "auto" and torch.cuda.is_bf16_supported() else precision
        name = torch.cuda.get_device_name()
        return Resolved("gpu", torch.device("cuda", 0), "fp32" if wanted == "auto" else wanted, name)
    wanted = ("bf16" if bf16_pays() else "fp32") if precision == "auto" else precision
    threads = torch.get_num_threads()
    return Resolved("cpu", torch.device("cpu"), wanted, f"CPU, {threads} thread{'s' * (threads != 1)}")


def bf16_pays() -> bool:
    """Whether this processor multiplies bf16 matrices faster than fp32 ones: where it has no units for it, 100 times
    slower. Asks torch first, then measures for some milliseconds.

    The best of several turns counts, not their sum: a turn that another process interrupted must not decide, or a
    training that goes on after a kill would go on in another precision than it began in.
    """
    if not (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()):
        return False
    kinds = (torch.float32, torch.bfloat16)
    matrices = [torch.randn(SIZE, SIZE).to(kind) for kind in kinds]
    turns = [[_seconds(matrix) for matrix in matrices] for _ in range(TURNS)][1:]  # the first one prepares
    single, half = map(min, zip(*turns, strict=True))
    return single > GAIN * half


def _seconds(matrix: torch.Tensor) -> float:
    began = time.perf_counter()
    torch.mm(matrix, matrix)
    return time.perf_counter() - began
