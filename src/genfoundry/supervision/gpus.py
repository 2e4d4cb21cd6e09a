"""One training per GPU: each takes one that no other training of this machine holds, and waits where all are held."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

WAIT_SECONDS = 2.0
VISIBLE = "CUDA_VISIBLE_DEVICES"


@contextmanager
def own_gpu(accelerator: str) -> Iterator[dict[str, str]]:
    """The environment in which a training sees one GPU, held until the block ends or this process does.

    Args:
        accelerator: the recipe's; with `cpu`, or on a machine without a GPU, the environment is empty.
    """
    names = [] if accelerator == "cpu" else gpus()
    if not names:
        yield {}
        return
    name, lock = _free(names)
    try:
        yield {VISIBLE: name}
    finally:
        lock.release()


def gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA names them; empty without one."""
    if VISIBLE in os.environ:
        return [name.strip() for name in os.environ[VISIBLE].split(",") if name.strip() not in ("", "-1")]
    if not shutil.which("nvidia-smi"):
        return []
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return listed.split()


def _free(names: list[str]) -> tuple[str, FileLock]:
    folder = Path(tempfile.gettempdir()) / f"genfoundry-gpus-{os.getuid()}"  # of the machine, not of one checkout
    folder.mkdir(mode=0o700, exist_ok=True)
    while True:
        for name in names:
            lock = FileLock(folder / f"{name.replace('/', '-')}.lock")
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            return name, lock
        time.sleep(WAIT_SECONDS)
