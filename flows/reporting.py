"""Gathers what the report shows from MLflow and writes the page."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from genfoundry import catalog, tracking
from genfoundry.data import sealed
from genfoundry.dataset import card_of
from genfoundry.errors import UserError
from genfoundry.files import write_atomic
from genfoundry.project.root import state_path
from genfoundry.records import DatasetVersion, ModelVersion, Score, ValidatedDataset, Verdict
from genfoundry.report import RunView, render
from genfoundry.report.gallery import Gallery, read_gallery
from genfoundry.training import journal

from . import recipes

MOST_VERSIONS = 24  # of a model, the newest first, that are looked through for other shares of the data
T = TypeVar("T")


def write(versions: Sequence[ModelVersion], output: Path | None = None) -> Path:
    """Write the report of these versions; returns where it lies."""
    path = output or state_path("reports") / "report.html"
    commands = {"See the same results in MLflow": in_mlflow()}
    generated = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    page = render([view(version) for version in versions], title="genfoundry", generated=generated, commands=commands)
    return write_atomic(path, page)


def in_mlflow() -> str:
    """The command that shows the registry in a browser, to paste into a shell."""
    return shlex.join(["mlflow", "ui", "--backend-store-uri", tracking.uri()])


def keep(version: ModelVersion) -> None:
    """Put the report of this version beside it in MLflow: `report/index.html`."""
    with tempfile.TemporaryDirectory() as scratch:
        tracking.log_files(version.run_id, write([version], Path(scratch) / "index.html"), "report")


def view(version: ModelVersion) -> RunView:
    """Everything that the page shows of one version."""
    checkpoint = version.evaluation.checkpoint
    with tempfile.TemporaryDirectory() as scratch:

        def fetched(path: str) -> Path:
            return tracking.fetch_whole(version.run_id, path, Path(scratch))

        card = card_of(checkpoint.dataset).model_dump(mode="json")
        shown = gallery(version, card.get("class_names", ()))
        return RunView(
            recipe=version.name,
            title=recipes.load(checkpoint.recipe).title,
            family=checkpoint.family,
            paper=catalog.describe("models", checkpoint.family).title,
            kind=checkpoint.dataset.kind,
            version=version,
            card=card,
            validation=_validation(fetched("validation/validation.json"), checkpoint.dataset),
            curves=_curves(fetched(journal.FILE)),
            exhibits=shown.exhibits,
            files=shown.files,
            snapshots=_snapshots(fetched("samples")),
            settings=_read(fetched("settings.json"), _settings) or {},
            learned=_learned(version),
        )


def gallery(version: ModelVersion, class_names: Sequence[str] = ()) -> Gallery:
    """What the evaluation of a version has to show; `class_names` as for `read_gallery`."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = tracking.fetch_whole(version.run_id, version.evaluation.folder, Path(scratch))
        return read_gallery(folder, version.evaluation, class_names, _read)


def _snapshots(folder: Path) -> dict[int, bytes]:
    """The sample grids of a training by their step."""
    return {int(path.stem): path.read_bytes() for path in folder.glob("*.png") if path.stem.isdecimal()}


def _learned(version: ModelVersion) -> dict[float, Score]:
    """The primary score by the share of the data that a version saw: of the newest whole ones, judged as this one."""
    primary, digest = version.evaluation.primary, version.evaluation.checkpoint.dataset.digest
    found: dict[float, Score] = {}
    same = (info for info in tracking.list_versions(version.name) if info.tags.get("dataset_digest") == digest)
    for info in sorted(same, key=lambda info: -info.version)[:MOST_VERSIONS]:
        other = _sound(info)
        if other and (score := other.evaluation.score(primary)) and not other.on_trial:
            found.setdefault(other.evaluation.checkpoint.fraction, score)
    return found if len(found) > 1 else {}


def registered(model: tracking.ModelInfo) -> ModelVersion | None:
    """The champion of a registered model, else its newest version; None where its evaluation is damaged."""
    newest = max(info.version for info in tracking.list_versions(model.name))
    return _sound(tracking.get_version(model.name, model.champion or newest))


def every_version(model: tracking.ModelInfo) -> list[ModelVersion]:
    """All versions of a registered model whose evaluations are what was registered."""
    return [found for info in tracking.list_versions(model.name) if (found := _sound(info))]


def _sound(info: tracking.VersionInfo) -> ModelVersion | None:
    """A version whose evaluation is what was registered; of another it is said that the report goes without it."""
    try:
        return _version(info)
    except tracking.TrackerDown:
        raise
    except UserError as error:
        sealed.say(f"{error.found} The report goes without it; genfoundry doctor names the remedy.")
        return None


def _version(info: tracking.VersionInfo) -> ModelVersion:
    verdict = Verdict.model_validate_json(info.tags[tracking.VERDICT])
    return ModelVersion(
        name=info.name,
        version=info.version,
        run_id=info.run_id,
        decision=verdict.decision,
        reasons=verdict.reasons,
        alias=next(iter(info.aliases), None),
        evaluation=tracking.evaluation_of(info),
    )


def _read(path: Path, parse: Callable[[str], T]) -> T | None:
    """What `parse` makes of a fetched text; None where there is none, or one that does not parse, which is said."""
    if not path.is_file():
        return None
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        sealed.say(
            sealed.damage(path, f"it does not parse: {str(error).splitlines()[0]}", "the report goes without it")
        )
        return None


def _validation(path: Path, version: DatasetVersion) -> ValidatedDataset:
    found = _read(path, ValidatedDataset.model_validate_json)
    return found or ValidatedDataset(version=version, counts=card_of(version).counts, checks=())


def _curves(path: Path) -> dict[str, list[tuple[int, float]]]:
    curves: dict[str, dict[int, float]] = {}
    for event in journal.events(path) if path.is_file() else ():
        for name, value in event.get("metrics", {}).items():
            curves.setdefault(name, {})[event["step"]] = value
    return {name: sorted(points.items()) for name, points in curves.items()}


def _settings(text: str) -> dict[str, object]:
    found = json.loads(text)
    return {f"{section}.{name}": value for section in ("model", "training") for name, value in found[section].items()}
