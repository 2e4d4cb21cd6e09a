"""Gathers what the report shows from MLflow and writes the page."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from genfoundry import catalog, tracking
from genfoundry.dataset import CARD_FILE, locate, read_card
from genfoundry.files import publish, state_path
from genfoundry.records import DatasetVersion, ModelVersion, Score, ValidatedDataset, Verdict
from genfoundry.report import RunView, render
from genfoundry.task_words import task_of

from . import shelf


def write(versions: Sequence[ModelVersion], output: Path | None = None) -> Path:
    """Write the report of these versions; returns where it lies."""
    path = output or state_path("reports") / "report.html"
    commands = {"See the same results in MLflow": f"mlflow ui --backend-store-uri {tracking.uri()}"}
    generated = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    page = render([view(version) for version in versions], title="genfoundry", generated=generated, commands=commands)
    return publish(path, page)


def keep(version: ModelVersion) -> None:
    """Put the report of this version beside it in MLflow: `report/index.html`."""
    with tempfile.TemporaryDirectory() as scratch:
        tracking.log_files(version.run_id, write([version], Path(scratch) / "index.html"), "report")


def view(version: ModelVersion) -> RunView:
    """Everything that the page shows of one version."""
    checkpoint = version.evaluation.checkpoint
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        gallery = _fetched(version.run_id, version.evaluation.folder, folder)
        images = {path.stem: path.read_bytes() for path in gallery.glob("*.png")}
        grids = sorted(_fetched(version.run_id, "samples", folder).glob("*.png"))
        images |= {f"samples/{path.stem}": path.read_bytes() for path in grids}
        forecasts = gallery / "forecasts.json"
        return RunView(
            recipe=version.name,
            title=shelf.load(checkpoint.recipe).title,
            family=checkpoint.family,
            paper=catalog.describe("models", checkpoint.family).title,
            kind=checkpoint.dataset.kind,
            version=version,
            card=json.loads((locate(checkpoint.dataset) / CARD_FILE).read_text(encoding="utf-8")),
            validation=_validation(version.run_id, checkpoint.dataset),
            curves=_curves(_fetched(version.run_id, "journal.jsonl", folder)),
            images=images,
            forecasts=json.loads(forecasts.read_text(encoding="utf-8")) if forecasts.exists() else [],
            settings=_settings(version.run_id),
            learned=_learned(version) if task_of(version.evaluation) == "classification" else {},
        )


def _learned(version: ModelVersion) -> dict[float, Score]:
    """The primary score by the share of the data that a version saw: of the newest whole ones, judged as this one."""
    primary, digest = version.evaluation.primary, version.evaluation.checkpoint.dataset.digest
    found: dict[float, Score] = {}
    same = (info for info in tracking.list_versions(version.name) if info.tags.get("dataset_digest") == digest)
    for info in sorted(same, key=lambda info: info.version):
        other = _version(info)
        if (score := other.evaluation.score(primary)) and not other.on_trial:
            found[other.evaluation.checkpoint.fraction] = score
    return found if len(found) > 1 else {}


def registered(model: tracking.ModelInfo) -> ModelVersion:
    """The champion of a registered model, else its newest version."""
    newest = max(info.version for info in tracking.list_versions(model.name))
    return _version(tracking.get_version(model.name, model.champion or newest))


def every_version(model: tracking.ModelInfo) -> list[ModelVersion]:
    """All versions of a registered model."""
    return [_version(info) for info in tracking.list_versions(model.name)]


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


def _fetched(run_id: str, path: str, into: Path) -> Path:
    return tracking.fetch(run_id, path, into) if tracking.has_artifact(run_id, path) else into / path


def _validation(run_id: str, version: DatasetVersion) -> ValidatedDataset:
    if tracking.has_artifact(run_id, "validation/validation.json"):
        return ValidatedDataset.model_validate_json(tracking.read_text(run_id, "validation/validation.json"))
    return ValidatedDataset(version=version, counts=read_card(locate(version)).counts, checks=())


def _curves(journal: Path) -> dict[str, list[tuple[int, float]]]:
    curves: dict[str, dict[int, float]] = {}
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    for line in lines:
        event = json.loads(line)
        for name, value in event.get("metrics", {}).items():
            curves.setdefault(name, {})[event["step"]] = value
    return {name: sorted(points.items()) for name, points in curves.items()}


def _settings(run_id: str) -> dict[str, object]:
    if not tracking.has_artifact(run_id, "settings.json"):
        return {}
    found = json.loads(tracking.read_text(run_id, "settings.json"))
    return {f"{section}.{name}": value for section in ("model", "training") for name, value in found[section].items()}
