"""What was taken out of a project on purpose: it does not come back by itself, and withdrawn data are not used again.

It stands in the `meta` of `data.dvc`, which the team shares; without DVC in a file below `.genfoundry/`.
"""

from __future__ import annotations

import json
from typing import Any

from genfoundry.data.versions import dvc, history, listed
from genfoundry.files import write_atomic
from genfoundry.project.root import state_dir, state_path

REMOVED, WITHDRAWN = "removed", "withdrawn"
FILE = "left.json"


def removed() -> frozenset[str]:
    """The datasets that were removed, by name."""
    return frozenset(_noted().get(REMOVED, ()))


def withdrawn(digest: str) -> str:
    """Why a version of a dataset may not be used any more; empty where it may."""
    return str(_noted().get(WITHDRAWN, {}).get(digest, ""))


def note_removed(name: str, digests: list[str], reason: str) -> None:
    """Note that a dataset was removed, and, where a reason is given, that these versions of it were withdrawn."""
    noted = _noted()
    noted[REMOVED] = sorted({*noted.get(REMOVED, ()), name})
    if reason:
        noted[WITHDRAWN] = {**noted.get(WITHDRAWN, {}), **dict.fromkeys(digests, reason)}
    _write(noted)


def note_back(name: str) -> None:
    """Note that somebody asked for a removed dataset by its name."""
    noted = _noted()
    if name in noted.get(REMOVED, ()):
        noted[REMOVED] = [each for each in noted[REMOVED] if each != name]
        _write(noted)


def _noted() -> dict[str, Any]:
    if dvc.is_repository():
        meta = dvc.document().get("meta") or {}
        return {key: meta[key] for key in (REMOVED, WITHDRAWN) if key in meta}
    path = state_path(FILE)
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _write(noted: dict[str, Any]) -> None:
    kept = {key: value for key, value in noted.items() if value}
    if not dvc.is_repository():
        write_atomic(state_dir() / FILE, json.dumps(kept, indent=1))
        return
    document = dvc.document()
    meta = {key: value for key, value in (document.get("meta") or {}).items() if key not in (REMOVED, WITHDRAWN)}
    dvc.write({"outs": [listed.NOTHING], **document, "meta": {"datasets": {}, **meta, **kept}})


def unrecord(name: str) -> str:
    """Take a dataset out of `data.dvc`; all others stay as they are recorded. Returns how the change is shared.

    Raises:
        UserError: the listing that `data.dvc` names can't be had (see `dvc.prepare`); DVC refused.
    """
    if not dvc.is_repository() or name not in dvc.recorded():
        return ""
    dvc.prepare()
    document = dvc.document()
    with dvc.opened("fetch data.dvc") as repository:
        rows = history.rows(repository, str(document["outs"][0]["md5"]))
        tree = listed.with_rows({key: info for key, info in rows.items() if key[0] != name})
        listed.keep(repository, tree)
    meta = document.get("meta") or {}
    digests = {each: digest for each, digest in dvc.recorded().items() if each != name}
    dvc.write({**document, "outs": [listed.out(tree)], "meta": {**meta, "datasets": digests}})
    return dvc.push("data.dvc")
