"""The order that starts a training process, and the answer that it leaves: two small JSON files in the job's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from genfoundry.records import Cost, DatasetVersion

ORDER, RESULT, MODEL, SAMPLES = "job.json", "result.json", "model", "samples"

Outcome = Literal["COMPLETED", "DIVERGED", "PREEMPTED", "FAILED"]

MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""Environment of a training process: glibc keeps freed memory, so that no step pays for its pages again, and asks for
huge pages, so that fewer addresses are looked up."""


class Order(BaseModel):
    """What to train, on which bytes. `folder` is where this machine holds the dataset; it never leaves the machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_key: str
    family: str
    settings: dict[str, Any]
    training: dict[str, Any]
    dataset: DatasetVersion
    folder: Path
    threads: int


class Result(BaseModel):
    """The completion marker, written last. Without it a training did not end, whatever its exit status."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_key: str
    outcome: Outcome
    sentence: str
    remedy: str = ""
    step: int
    weights_digest: str = ""
    cost: Cost = Cost()
