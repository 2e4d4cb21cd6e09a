"""The order that starts a training process, and the answer that it leaves: two small JSON files in the job's folder.

Who starts the process hands it the order's sha256, so the order itself is plain JSON, which a person may write; the
answer carries its seal.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genfoundry.data import sealed
from genfoundry.errors import UserError
from genfoundry.files import file_digest, write_atomic
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
    description_digest: str = ""
    cost: Cost = Cost()
    seal: str = Field(default="", exclude=True)


BEFORE = ("run_key", "outcome", "sentence", "remedy", "step", "weights_digest", "cost")
"""The members of a result of the release that sealed nothing."""


def write_order(folder: Path, order: Order) -> str:
    """Publish the order; returns its sha256, which the process is to be given."""
    return file_digest(write_atomic(folder / ORDER, order.model_dump_json(indent=1)))


def read_order(folder: Path, seal: str = "") -> Order:
    """The order of a job.

    Args:
        seal: the sha256 that it was published with; empty where a person started the process.

    Raises:
        UserError: it is missing, is not the one that was published, or is no order.
    """
    path = folder / ORDER
    remedy = "give the command again that started this training: it writes the order anew"
    try:
        text = path.read_bytes()
        if seal and hashlib.sha256(text).hexdigest() != seal:
            raise UserError(f"{path} is not the order that was given.", expected=f"sha256 {seal}", remedy=remedy)
        return Order.model_validate_json(text)
    except (OSError, ValidationError) as error:
        said = str(error).splitlines()[0] if isinstance(error, OSError) else "it does not parse"
        raise UserError(f"{path} is no order of a training: {said}.", expected="whole JSON", remedy=remedy) from error


def write_result(folder: Path, result: Result) -> Path:
    """Publish the completion marker, with the digest of what lies beside the weights."""
    description = folder / MODEL / "model.json"
    if result.weights_digest:
        result = result.model_copy(update={"description_digest": file_digest(description)})
    return sealed.write(folder / RESULT, result.model_dump(mode="json"))


def read_result(folder: Path) -> Result | None:
    """The completion marker; None where there is none, or one that does not hold, which is said."""
    then = "it counts as not there, and the training goes on from its last snapshot"
    return sealed.read(folder / RESULT, BEFORE, Result.model_validate, then)


def is_whole(folder: Path, result: Result) -> bool:
    """Whether the weights that a result names lie in the job's folder; says which file does not hold."""
    wanted = {"weights.safetensors": result.weights_digest, "model.json": result.description_digest}
    for name, digest in wanted.items():
        path = folder / MODEL / name
        if not path.is_file() or (digest and file_digest(path) != digest):
            then = "the training goes on from its last snapshot, and makes it anew"
            sealed.say(sealed.damage(path, "it is not what the training left", then))
            return False
    return True
