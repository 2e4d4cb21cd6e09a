"""The flow that asks of every champion whether it is still as good as when it was promoted, and still the best."""

from __future__ import annotations

from prefect.artifacts import create_markdown_artifact

from genfoundry import tracking
from genfoundry.errors import UserError, closest
from genfoundry.report.markdown import plain, table
from genfoundry.stages.fetch import fetch_dataset
from genfoundry.stages.rejudge import Rejudged, rejudge
from genfoundry.stages.validate import validate_dataset

from . import recipes
from .events import announce
from .naming import named
from .runs import owners
from .runs.beginning import flow


class NotJudged(UserError):  # noqa: N818, the user reads its sentence
    """Some champion could not be judged; `findings` holds all of them."""

    exit_code = 1
    findings: tuple[Rejudged, ...] = ()


@flow(name=named("judge-champions"), persist_result=False)
def judge_champions(models: list[str] = []) -> list[Rejudged]:  # noqa: B006
    """Judge every champion's published weights on today's data, by the protocol of its promotion.

    A champion that is worse beyond the intervals, or beaten by one before it, is announced as `model.aged`. No alias is
    moved.

    Args:
        models: registered models, by name; by default all that have a champion.

    Raises:
        NotJudged: after all has ended, where one could not be judged.
    """
    owners.own()
    findings = [_judged(name) for name in _chosen(models)]
    for found in findings:
        if found.state in ("WORSE", "BEATEN"):
            announce("model.aged", found.model, found.sentence, version=found.version)
    create_markdown_artifact(
        champions_page(findings), key=named("judge-champions"), description="Every champion on today's data"
    )
    if bad := [f"{found.model}: {found.sentence}" for found in findings if found.state == "FAILED"]:
        error = NotJudged("\n".join(bad))
        error.findings = tuple(findings)
        raise error
    return findings


def _chosen(models: list[str]) -> list[str]:
    known = [model.name for model in tracking.list_models() if model.champion]
    models = [tracking.own_name(name) for name in models]
    for name in models:
        if name not in known:
            raise UserError(f"No registered model '{name}' has a champion; {closest(name, known)}")
    return models or known


def _judged(name: str) -> Rejudged:
    info = tracking.get_version(name, "champion")
    try:
        checkpoint = tracking.evaluation_of(info).checkpoint
        dataset = checkpoint.dataset.name
        recipe = recipes.load(checkpoint.recipe, {"dataset.name": dataset})
        today = validate_dataset(fetch_dataset(dataset), recipe.validation).version
        extractor = recipe.evaluation.extractor
        judge = recipes.load(extractor, {"dataset.name": dataset}).registered_name if extractor else None
        return rejudge(info, today, recipe.evaluation, judge)
    except UserError as error:
        return Rejudged(model=name, version=info.version, state="FAILED", sentence=str(error))


def champions_page(findings: list[Rejudged]) -> str:
    """Champion by champion, in Markdown."""
    rows = [(plain(it.model), str(it.version), f"**{it.state}**", plain(it.sentence)) for it in findings]
    return table(("model", "version", "today", "why"), rows)
