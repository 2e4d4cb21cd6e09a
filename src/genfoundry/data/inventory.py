"""What datasets there are, and in what state each one is."""

from __future__ import annotations

from pathlib import Path

from genfoundry import catalog
from genfoundry.data.building import is_sealed
from genfoundry.data.versions import dvc
from genfoundry.dataset import Card, declared, read_card, verify
from genfoundry.errors import UserError
from genfoundry.project.root import data_dir


def status() -> list[dict]:
    """One row a dataset of the catalogue, of `data/` or of `data.dvc`, with its state.

    Keys: name, kind, digest, recorded (by `data.dvc`), state, counts, bytes, licence, title, problem. The states: ok
    (whole, and as recorded), changed (a file differs, see `problem`, or the version is not the recorded one),
    untracked (whole, not recorded), not built (of the catalogue, not here), broken (of the catalogue, and its file says
    no kind), missing (recorded, not here).
    """
    recorded = dvc.recorded()
    names = {*catalog.names("datasets"), *recorded, *dvc.present()}
    return [_row(name, recorded.get(name)) for name in sorted(names)]


def _row(name: str, recorded: str | None) -> dict:
    folder = data_dir() / name
    row = {"name": name, "kind": "", "digest": "", "recorded": recorded or "", "state": "", "counts": {}, "bytes": 0,
           "licence": "", "title": "", "problem": ""}  # fmt: skip
    if not is_sealed(folder):
        if name not in catalog.names("datasets"):
            return {**row, "state": "missing"}
        try:
            card = declared(name)
        except UserError as error:
            return {**row, "state": "broken", "problem": error.found}
        return {**row, **{word: card[word] for word in ("kind", "licence", "title")}, "state": "not built"}
    try:
        found = verify(folder)
        card, digest, problem = found.card, found.version.digest, ""
    except UserError as error:
        card, digest, problem = _card(folder), "", error.found
    changed = problem or (recorded and digest != recorded)
    return {
        **row,
        "kind": card.kind if card else "",
        "digest": digest,
        "state": "changed" if changed else "ok" if recorded else "untracked",
        "counts": card.counts if card else {},
        "bytes": sum(sealed.bytes for sealed in card.files.values()) if card else 0,
        "licence": card.licence if card else "",
        "title": card.title if card else "",
        "problem": problem or (f"data.dvc records {recorded}" if changed else ""),
    }


def _card(folder: Path) -> Card | None:
    try:
        return read_card(folder)
    except UserError:
        return None
