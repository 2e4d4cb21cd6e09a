"""The flow by which a new version of a user's data comes in: built, held against its card, recorded in DVC."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact

from genfoundry.data.policy import Validation
from genfoundry.data.versions import dvc
from genfoundry.records import DatasetVersion
from genfoundry.report.markdown import plain
from genfoundry.stages.ingest import Intake, add
from genfoundry.stages.intake_options import intake_options
from genfoundry.stages.validate import validate_dataset

from . import recipes
from .events import announce
from .naming import named
from .runs import owners
from .runs.beginning import flow


def takes_options_of_kinds(work: Callable[..., DatasetVersion]) -> Callable[..., DatasetVersion]:
    """Give a function the parameters that the kinds of data have options for, in place of its `**options`.

    Prefect reads the form from the signature, and what it says of each parameter from the docstring.
    """
    options = intake_options()
    signature = inspect.signature(work, eval_str=True)
    own = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    more = [
        inspect.Parameter(each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=each.annotation)
        for each in options
    ]
    work.__signature__ = signature.replace(parameters=[*own, *more])  # pyright: ignore[reportFunctionMemberAccess]
    told = "".join(f"\n        {each.name}: {each.whose}: {each.description}." for each in options)
    work.__doc__ = (work.__doc__ or "").replace("\n\n    Raises:", f"{told}\n\n    Raises:")
    return work


@flow(name=named("ingest"), flow_run_name="{name}", persist_result=False)
@takes_options_of_kinds
def ingest(
    path: str,
    name: str,
    licence: str,
    consent: str,
    title: str = "",
    kind: str = "",
    max_bad_fraction: float = 0.01,
    force: bool = False,
    **options: Any,
) -> DatasetVersion:
    """Take in a user's files as the dataset `name`; see `genfoundry data add`.

    What Great Expectations refuses is not recorded: `dvc checkout data.dvc` brings the version before it back.

    Args:
        path: on the worker's machine, as every other path is.
        name: of the dataset.
        licence: under which terms it may be used.
        consent: why the data may be used.
        kind: of the data; empty takes the one that recognises them.
        force: replace what DVC keeps no copy of; make anew what can't go on.

    Raises:
        UserError: the files can't be taken in; says what is wrong, where, and what to do.
        InvalidData: a critical check failed.
    """
    owners.own()
    recipes.ensure_free(name)
    policy = Validation(max_bad_fraction=max_bad_fraction, min_rows=1)  # how many are enough is a recipe's to say
    before = dvc.recorded().get(name)
    intake = add(
        Path(path), name, kind=kind, licence=licence, consent=consent, title=title, max_bad_fraction=max_bad_fraction,
        force=force, accept=lambda version: validate_dataset(version, policy), **options,
    )  # fmt: skip
    create_markdown_artifact(page(intake), key=named("ingest"), description=f"{name} at {intake.version.digest[:12]}")
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
