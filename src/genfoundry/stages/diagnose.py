"""Examine: what is wrong with data, runs and registry, and the command that mends each. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from genfoundry import tracking
from genfoundry.data.inventory import status
from genfoundry.data.versions import dvc
from genfoundry.dataset import CARD_FILE, remake, restore
from genfoundry.errors import UserError
from genfoundry.files import data_dir
from genfoundry.tracking import Rerun

SHOWN = 3  # paths that a sentence lists


class Finding(NamedTuple):
    """One thing that was looked at; `command` mends it and is empty where nothing is wrong."""

    sentence: str
    command: str = ""


def examine(*, deep: bool = False, rerun: Rerun) -> Iterator[Finding]:
    """Hash every dataset against its card and `data.dvc`, and look over runs, versions, aliases and ledgers.

    Args:
        deep: hash the files of every version, load every champion, and ask DVC's remote for what `data.dvc` names.
        rerun: the command that trains a version again.

    Returns:
        what is wrong; with `deep` what is whole too.
    """
    yield from (found for found in _datasets() if deep or found.command)
    problems = [Finding(problem.sentence, problem.command) for problem in tracking.doctor(deep=deep, rerun=rerun)]
    yield from problems
    if deep:
        yield from _champions({problem.sentence for problem in problems}, rerun)
        yield _remote()


def _datasets() -> Iterator[Finding]:
    for row in status():
        name, state = row["name"], row["state"]
        if state in ("changed", "missing"):
            yield Finding(f"Dataset '{name}' is {state}{row['problem'] and ': '}{row['problem']}", restore(name))
        elif state in ("ok", "untracked"):
            kept = "as its card and data.dvc say" if state == "ok" else "as its card says; data.dvc does not name it"
            yield Finding(f"Dataset '{name}' is whole, {kept}.")
    for folder in sorted(data_dir().glob("[!.]*/")):
        if not (folder / CARD_FILE).is_file() and folder.name not in dvc.recorded():
            yield Finding(f"{folder} holds no {CARD_FILE}, so it is no dataset.", remake(folder.name))


def _champions(known: set[str], rerun: Rerun) -> Iterator[Finding]:
    """Every champion, downloaded, held against its digests and loaded; one whose damage is known is passed over."""
    for model in tracking.list_models():
        where = f"'{model.name}' version {model.champion}"
        if model.champion is None or any(sentence.startswith((f"{where}:", f"{where} ")) for sentence in known):
            continue
        try:
            tracking.load_version(model.name, model.champion)
            yield Finding(f"The champion {where} is what was registered, and loads.")
        except UserError as error:
            found = f"The champion {where} does not load: {error.found}"
            yield Finding(found, rerun(tracking.get_version(model.name, model.champion)) or _other(model.name))


def _other(name: str) -> str:
    return f"{tracking.run_command(name)}   (for another version, then: genfoundry registry promote {name} VERSION)"


def _remote() -> Finding:
    if not dvc.recorded():
        return Finding("data.dvc names no dataset, so DVC's remote need hold none.")
    if not dvc.is_repository():
        return Finding(
            "data.dvc names datasets, but the project is not under DVC.", "dvc init   (--no-scm without git)"
        )
    try:
        lacking = dvc.not_pushed()
    except UserError as error:
        return Finding(error.found, "dvc remote add --default NAME PATH_OR_URL, then: dvc push")
    if not lacking:
        return Finding("DVC's remote holds every file that data.dvc names.")
    more = f" and {len(lacking) - SHOWN:,} more" if len(lacking) > SHOWN else ""
    return Finding(
        f"DVC's remote lacks {', '.join(lacking[:SHOWN])}{more}, which data.dvc names.",
        "dvc push   (where DVC's cache lacks them too: genfoundry data build or add first)",
    )
