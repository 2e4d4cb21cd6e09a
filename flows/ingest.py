"""The flow by which a new version of a user's data comes in: built, held against its card, recorded in DVC."""

from __future__ import annotations

from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from genfoundry.data.versions import dvc
from genfoundry.recipe import Validation
from genfoundry.records import DatasetVersion
from genfoundry.report.markdown import plain
from genfoundry.stages.ingest import Intake, add
from genfoundry.stages.validate import validate_dataset

from . import recipes
from .events import announce
from .runs import owners


@flow(name="ingest", flow_run_name="{name}", persist_result=False)
def ingest(
    path: str,
    name: str,
    licence: str,
    consent: str,
    title: str = "",
    paired: str | None = None,
    size: int | None = None,
    test_fraction: float | None = None,
    max_bad_fraction: float = 0.01,
    freq: str | None = None,
    season: int | None = None,
    horizon: int | None = None,
    context: int | None = None,
    na: tuple[str, ...] = (),
    ignore_splits: bool = False,
    follow_links: bool = False,
    force: bool = False,
) -> DatasetVersion:
    """Take in a folder of images, two of pairs, or a file of series as the dataset `name`; see `genfoundry data add`.

    What Great Expectations refuses is not recorded: `dvc checkout data.dvc` brings the version before it back.

    Args:
        path: on the worker's machine, as is `paired`, the folder of what the images of `path` are to be made from.
        name: of the dataset.
        licence: under which terms it may be used.
        consent: why the data may be used.
        na: series: cells that stand for a missing value, besides the empty ones and the usual words.
        test_fraction: None is that of the version before, else .2.
        ignore_splits: folders named train, test, val give no split.
        follow_links: read what links lead to.

    Raises:
        UserError: the files can't be taken in; says what is wrong, where, and what to do.
        InvalidData: a critical check failed.
    """
    owners.own()
    recipes.ensure_free(name)
    policy = Validation(max_bad_fraction=max_bad_fraction, min_rows=1)  # how many are enough is a recipe's to say
    before = dvc.recorded().get(name)
    intake = add(
        Path(path), name, paired=Path(paired) if paired else None, licence=licence, consent=consent, title=title,
        size=size, test_fraction=test_fraction, max_bad_fraction=max_bad_fraction, freq=freq, season=season,
        horizon=horizon, context=context, na=na, ignore_splits=ignore_splits, follow_links=follow_links, force=force,
        accept=lambda version: validate_dataset(version, policy),
    )  # fmt: skip
    create_markdown_artifact(page(intake), key="ingest", description=f"{name} at {intake.version.digest[:12]}")
    if intake.version.digest != before:
        sentence = (
            f"'{name}' is at {intake.version.digest[:12]} now, and was {'at ' + before[:12] if before else 'not here'}."
        )
        announce("data.changed", name, sentence, digest=intake.version.digest)
    return intake.version


def page(intake: Intake) -> str:
    """What came of the files, in Markdown."""
    lines = [f"**{plain(intake.version.name)}** at {intake.version.digest}", ""]
    lines += [f"- {number:,} {plain(word)}" for word, number in intake.counts.items()]
    lines += [f"- {plain(step)}: {plain(sentence)}" for step, sentence in intake.policy.items()]
    lines += [f"- since the version before: {plain(intake.change)}"] if intake.change else []
    for name, counts in intake.classes.items():
        lines.append(f"- class {plain(name)}: " + ", ".join(f"{count:,} {split}" for split, count in counts.items()))
    lines += [f"- quarantined {plain(item.path)}: {plain(item.sentence)}" for item in intake.quarantined[:20]]
    return "\n".join([*lines, "", plain(intake.kept)])
