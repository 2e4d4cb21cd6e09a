"""Counts the bytes that are hashed in a command and in every process that it starts."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

LOG = "HASHED_FILES_LOG"  # environment variable: where each process writes what it hashes
HOOK = f'''
import hashlib, json, os

plain = hashlib.file_digest

def file_digest(file, *algorithm):
    found = plain(file, *algorithm)
    row = {{"process": os.getpid(), "path": str(file.name), "bytes": os.fstat(file.fileno()).st_size}}
    with open(os.environ["{LOG}"], "a") as log:
        log.write(json.dumps(row) + "\\n")
    return found

hashlib.file_digest = file_digest
'''
"""Python runs `sitecustomize.py` at the start of every process; `genfoundry.files.file_digest` is the only caller."""


def counting(folder: Path) -> dict[str, str]:
    """The environment of a command whose hashing is counted; `folder` is empty."""
    (folder / "sitecustomize.py").write_text(HOOK)
    (folder / "log.jsonl").touch()
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path, LOG: str(folder / "log.jsonl")}


def passes(folder: Path, dataset: Path) -> list[float]:
    """How often each process hashed the bytes of `dataset`, in no order; processes that never did are left out."""
    size = sum(path.stat().st_size for path in dataset.iterdir())
    found: Counter[int] = Counter()
    for line in (folder / "log.jsonl").read_text().splitlines():
        row = json.loads(line)
        if Path(row["path"]).is_relative_to(dataset):
            found[row["process"]] += row["bytes"]
    return [count / size for count in found.values()]
