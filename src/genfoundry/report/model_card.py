"""A version's card in Markdown: what it is, on whose data, how good, why it was decided so, how to use it."""

from __future__ import annotations

import textwrap

from genfoundry import catalog
from genfoundry.dataset import Card, locate, read_card
from genfoundry.errors import UserError
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.records import DatasetVersion, Evaluation, Score, Verdict
from genfoundry.report.markdown import plain
from genfoundry.task_words import WORDS, task_of, task_of_family

LONGEST = 5000  # letters that MLflow's tables of models and versions take on PostgreSQL; on SQLite nobody counts them
LONGEST_WORDS = 600  # letters of what a dataset's card says of licence, consent or source
MEANING = {
    "PROMOTE": "champion",
    "HOLD": "challenger, not shown to be better than the champion",
    "REJECT": "not to be used",
}
INVENTED = (
    "Not for claims about single persons or events, nor for decisions about people: what it makes is invented, and "
    "looks only as true as its scores say. Say of what it makes that it is AI-generated."
)
JUDGES = "Not for decisions about people, nor for data unlike the dataset's: its scores say nothing of those."


def describe(name: str, evaluation: Evaluation, verdict: Verdict, champion: int | None, files: str) -> str:
    """The card of a version of the registered model `name`, with as many scores as MLflow has room for.

    Args:
        champion: the version that held the alias when it was judged, if any.
        files: where MLflow's pages show the artifacts of its run.
    """
    texts = (
        _describe(name, evaluation, verdict, champion, files, rows) for rows in range(len(evaluation.scores), 0, -1)
    )
    fitting = next((text for text in texts if len(text) <= LONGEST), "")
    return fitting or _describe(name, evaluation, verdict, champion, files, 1)[: LONGEST - 1] + "…"


def _describe(name: str, evaluation: Evaluation, verdict: Verdict, champion: int | None, files: str, rows: int) -> str:
    sections = [
        _what(evaluation),
        purpose(evaluation),
        links(evaluation, files),
        _data(evaluation.checkpoint.dataset),
        _scores(evaluation, rows),
        _verdict(verdict, champion),
        _cost(evaluation),
        _use(name, evaluation),
    ]
    return "\n\n".join(sections) + "\n"


def _what(evaluation: Evaluation) -> str:
    checkpoint = evaluation.checkpoint
    title = catalog.describe("models", checkpoint.family).title
    return (
        f"**{checkpoint.recipe}**: family `{checkpoint.family}` ({plain(title.rstrip('.'))}) trained on "
        f"`{checkpoint.dataset.name}`, seed {checkpoint.seed}, weights sha256 `{checkpoint.weights_digest}`."
    )


def describe_model(name: str, evaluation: Evaluation, version: int | None, files: str) -> str:
    """The page of a registered model, for who has only the browser: what it is for, on whose data, which version.

    Args:
        evaluation: of the version to look at first.
        version: the champion's number; None where there is no champion.
        files: where MLflow's pages show the artifacts of its run.
    """
    score = evaluation.score(evaluation.primary)
    shown = f"{plain(score.name)} {score.value:.4g} ({score.low:.4g} to {score.high:.4g})" if score else "no score"
    standing = f"Champion: version {version}, {shown}." if version else f"No champion yet; the last version: {shown}."
    use = _use(name, evaluation)
    if (words := WORDS.get(task_of(evaluation))) and words.makes:
        wanted = "--input image.png" if task_of(evaluation) == "super_resolution" else "-n 64 --seed 7"
        use += f"\n\nor in a terminal: `genfoundry generate {name} {wanted} -o DIR`"
    parts = [_what(evaluation), standing, purpose(evaluation), links(evaluation, files)]
    return "\n\n".join([*parts, _data(evaluation.checkpoint.dataset), use]) + "\n"


def purpose(evaluation: Evaluation) -> str:
    """What a model is for, and what not; of a task without words, its name."""
    made = "images" if isinstance(evaluation.checkpoint.dataset.spec, ImageSpec) else "series"
    task = task_of(evaluation)
    if (words := WORDS.get(task)) is None:
        named = f"For the task `{plain(task)}`, which is not described here" if task else "Its task is not known here"
        return f"{named}: see the scores. {JUDGES}"
    return f"{words.purpose.format(data=made)} {INVENTED if words.makes else JUDGES}"


def links(evaluation: Evaluation, files: str) -> str:
    """The report and the pictures, one click away on MLflow's pages."""
    return f"[Report]({files}/report/index.html) · [Gallery]({files}/{evaluation.folder}) · [Samples]({files}/samples)"


def _data(version: DatasetVersion) -> str:
    lines = [f"### Data\n`{version.name}` at version `{version.digest}` ({version.kind})."]
    if card := _card(version):
        rows = (("Licence", card.licence), ("Consent", card.consent), ("Source", card.source))
        lines += [
            "",
            *(f"- {word}: {plain(textwrap.shorten(text, LONGEST_WORDS, placeholder=' …'))}" for word, text in rows),
        ]
    return "\n".join(lines)


def _card(version: DatasetVersion) -> Card | None:
    try:
        return read_card(locate(version))
    except UserError:
        return catalog.module("datasets", version.name).CARD if version.name in catalog.names("datasets") else None


def _scores(evaluation: Evaluation, rows: int) -> str:
    lines = ["### Scores", "Each with its interval; the floors and baselines were measured by the same code.", ""]
    lines += ["| score | whose | value | interval | better |", "|---|---|---|---|---|"]
    ranked = sorted(evaluation.scores, key=lambda s: (s.name != evaluation.primary, s.name, s.subject != "model"))
    lines += [_row(score, evaluation.primary) for score in ranked[:rows]]
    if left := len(ranked) - rows:
        lines += ["", f"{left} more in the report."]
    return "\n".join(lines)


def _row(score: Score, primary: str) -> str:
    name = f"**{plain(score.name)}**" if score.name == primary else plain(score.name)
    better = "higher" if score.higher_is_better else "lower"
    interval = f"{score.low:.4g} to {score.high:.4g}"
    return f"| {name} | {plain(score.subject)} | {score.value:.4g} | {interval} | {better} |"


def _verdict(verdict: Verdict, champion: int | None) -> str:
    against = f"The champion was version {champion}." if champion else "There was no champion to compare with."
    lines = [f"### Verdict: {verdict.decision} ({MEANING[verdict.decision]})", against, ""]
    lines += [f"- {'✓' if r.passed else '✗'} {plain(r.rule)}: {plain(r.sentence)}" for r in verdict.reasons]
    return "\n".join(lines)


def _cost(evaluation: Evaluation) -> str:
    cost = evaluation.checkpoint.cost
    return (
        f"### Cost\n{cost.seconds:.0f} s of training on {plain(cost.device) or 'an unnamed device'} "
        f"({plain(cost.precision)}), {cost.steps} steps, {cost.examples} examples, "
        f"{cost.peak_memory_mb:.0f} MB at most; {cost.parameters} parameters, "
        f"{cost.flops_per_sample:.3g} FLOPs a sample. {evaluation.seconds:.0f} s of evaluation."
    )


def _use(name: str, evaluation: Evaluation) -> str:
    call = _example(evaluation)
    return (
        "### Use\nWhere genfoundry is installed:\n\n```python\n"
        f'import mlflow, pandas as pd\n\nmodel = mlflow.pyfunc.load_model("models:/{name}@champion")\n{call}\n```'
    )


def _example(evaluation: Evaluation) -> str:
    spec, task = evaluation.checkpoint.dataset.spec, task_of_family(evaluation)
    if isinstance(spec, SeriesSpec) and task == "forecasting":
        return (
            f"forecast = model.predict(past)  # unique_id as in the training, ds, y; {spec.context} steps or more each"
        )
    if isinstance(spec, ImageSpec) and task == "super_resolution":
        return f"large = model.predict(images)  # uint8 (B, height, width, {spec.channels}), of any size"
    if isinstance(spec, ImageSpec) and task == "classification":
        return f"probabilities = model.predict(images)  # uint8 (B, {spec.height}, {spec.width}, {spec.channels})"
    if isinstance(spec, ImageSpec) and task == "generation":
        shape = f"(16, {spec.height}, {spec.width}, {spec.channels})"
        return f'images = model.predict(pd.DataFrame({{"seed": range(16)}}))  # uint8 {shape}'
    return "answer = model.predict(given)  # the version's signature says what it takes and gives"
