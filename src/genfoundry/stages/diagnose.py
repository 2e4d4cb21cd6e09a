"""Diagnose: what is wrong with data, runs and registry, and the command that repairs each. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from genfoundry import catalog, tracking
from genfoundry.data.inventory import status
from genfoundry.data.versions import dvc
from genfoundry.dataset import CARD_FILE, remake, restore
from genfoundry.errors import UserError
from genfoundry.project.root import data_dir
from genfoundry.stages import anew
from genfoundry.tracking import Rerun

SHOWN = 3  # paths that a sentence lists


class Diagnosis(NamedTuple):
    """One thing that was looked at; `command` repairs it and is empty where nothing is wrong. `ahead` says that it is
    what will come of the next run."""

    sentence: str
    command: str = ""
    ahead: bool = False


def diagnose(*, deep: bool = False, rerun: Rerun) -> Iterator[Diagnosis]:
    """Hash every dataset against its card and `data.dvc`, and look over runs, versions, aliases and ledgers.

    Args:
        deep: hash the files of every version, load every champion, and ask DVC's remote for what `data.dvc` names.
        rerun: the command that trains a version again.

    Returns:
        what is wrong, and which champions would be trained anew; with `deep` what is whole too.
    """
    yield from (found for found in _datasets() if deep or found.command)
    problems = [Diagnosis(problem.sentence, problem.command) for problem in tracking.diagnose(deep=deep, rerun=rerun)]
    yield from problems
    yield from (Diagnosis(sentence, ahead=True) for sentence in anew.champions())
    if deep:
        yield from _champions({problem.sentence for problem in problems}, rerun)
        yield _remote()


def _datasets() -> Iterator[Diagnosis]:
    for row in status():
        name, state = row["name"], row["state"]
        if state in ("changed", "missing"):
            yield Diagnosis(f"Dataset '{name}' is {state}{row['problem'] and ': '}{row['problem']}", restore(name))
        elif state in ("ok", "untracked"):
            kept = "as its card and data.dvc say" if state == "ok" else "as its card says; data.dvc does not name it"
            yield Diagnosis(f"Dataset '{name}' is whole, {kept}.")
    for folder in sorted(data_dir().glob("[!.]*/")):
        if not (folder / CARD_FILE).is_file() and folder.name not in dvc.recorded():
            yield Diagnosis(f"{folder} holds no {CARD_FILE}, so it is no dataset.", remake(folder.name))


def _champions(known: set[str], rerun: Rerun) -> Iterator[Diagnosis]:
    """Every champion, downloaded, held against its digests and loaded; one whose damage is known is passed over."""
    for model in tracking.list_models():
        where = f"'{model.name}' version {model.champion}"
        if model.champion is None or any(sentence.startswith((f"{where}:", f"{where} ")) for sentence in known):
            continue
        try:
            tracking.load_version(model.name, model.champion)
            yield Diagnosis(f"The champion {where} is what was registered, and loads.")
        except catalog.NotInstalled as error:
            yield Diagnosis(f"The champion {where} does not load: {error.found}", error.remedy)
        except UserError as error:
            yield Diagnosis(
                f"The champion {where} does not load: {error.found}", _replaced(model.name, model.champion, rerun)
            )


def _replaced(name: str, version: int, rerun: Rerun) -> str:
    """What puts another version in the place of a champion that does not load: none can be compared with it, so the
    gate holds whatever is trained, and a person decides."""
    again = rerun(tracking.get_version(name, version)) or tracking.run_command(name)
    return f"{again} ; genfoundry registry promote {name} challenger --reason 'the champion does not load'"


def _remote() -> Diagnosis:
    if not dvc.recorded():
        return Diagnosis("data.dvc names no dataset, so DVC's remote need hold none.")
    if not dvc.is_repository():
        return Diagnosis(
            "data.dvc names datasets, but the project is not under DVC.", "dvc init   (--no-scm without git)"
        )
    try:
        lacking = dvc.not_pushed()
    except UserError as error:
        return Diagnosis(error.found, "dvc remote add --default NAME PATH_OR_URL, then: dvc push")
    if not lacking:
        return Diagnosis("DVC's remote holds every file that data.dvc names.")
    more = f" and {len(lacking) - SHOWN:,} more" if len(lacking) > SHOWN else ""
    return Diagnosis(
        f"DVC's remote lacks {', '.join(lacking[:SHOWN])}{more}, which data.dvc names.",
        "dvc push   (where DVC's cache lacks them too: genfoundry data build or add first)",
    )
