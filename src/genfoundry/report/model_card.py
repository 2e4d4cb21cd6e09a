"""A version's card in Markdown: what it is, on whose data, how good, why it was decided so, how to use it."""

from __future__ import annotations

import textwrap

from genfoundry import catalog, kind, task
from genfoundry.dataset import Card, card_of
from genfoundry.errors import UserError
from genfoundry.records import DatasetVersion, Evaluation, Score, Verdict
from genfoundry.report.markdown import plain

LONGEST = 5000  # letters that MLflow's tables of models and versions take on PostgreSQL; on SQLite nobody counts them
LONGEST_WORDS = 600  # letters of what a dataset's card says of licence, consent or source
MEANING = {
    "PROMOTE": "champion",
    "HOLD": "challenger, not shown to be better than the champion",
    "REJECT": "not to be used",
}
ALIAS = {"PROMOTE": "champion", "HOLD": "challenger"}  # what a version of that decision is found by
SHORT = {"np": "numpy as np", "pd": "pandas as pd"}
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
    data = _data(evaluation.checkpoint.dataset)
    above = [_what(evaluation), purpose(evaluation), links(evaluation, files), data]
    alias = ALIAS.get(verdict.decision)
    below = [_verdict(verdict, champion), _cost(evaluation), _use(f"{name}@{alias}" if alias else name, evaluation)]
    text = ""
    for rows in range(max(1, len(evaluation.scores)), 0, -1):
        text = "\n\n".join([*above, _scores(evaluation, rows), *below]) + "\n"
        if len(text) <= LONGEST:
            return text
    return text[: LONGEST - 1] + "…"


def _what(evaluation: Evaluation) -> str:
    checkpoint = evaluation.checkpoint
    title = catalog.describe("models", checkpoint.family).title
    return (
        f"**{checkpoint.recipe}**: family `{checkpoint.family}` ({plain(title.rstrip('.'))}) trained on "
        f"`{checkpoint.dataset.name}`, seed {checkpoint.seed}, weights sha256 `{checkpoint.weights_digest}`."
    )


def describe_model(name: str, evaluation: Evaluation, version: int | None, files: str) -> str:
    """The page of a registered model, for people who have only a browser: what it is for, on whose data, which version.

    Args:
        evaluation: of the version to look at first.
        version: the champion's number; None where there is no champion.
        files: where MLflow's pages show the artifacts of its run.
    """
    score = evaluation.score(evaluation.primary)
    shown = f"{plain(score.name)} {score.value:.4g} ({score.low:.4g} to {score.high:.4g})" if score else "no score"
    standing = f"Champion: version {version}, {shown}." if version else f"No champion yet; the last version: {shown}."
    use = _use(f"{name}@champion" if version else name, evaluation)
    if (judged := task.find(task.name_of(evaluation))) and judged.makes:
        use += f"\n\nor in a terminal: `genfoundry generate {name} {judged.wishes.EXAMPLE} -o DIR`"
    parts = [_what(evaluation), standing, purpose(evaluation), links(evaluation, files)]
    return "\n\n".join([*parts, _data(evaluation.checkpoint.dataset), use]) + "\n"


def purpose(evaluation: Evaluation) -> str:
    """What a model is for, and what not; of a task without words, its name."""
    name = task.name_of(evaluation)
    if (judged := task.find(name)) is None:
        named = f"For the task `{plain(name)}`, which is not described here" if name else "Its task is not known here"
        return f"{named}: see the scores. {JUDGES}"
    made = kind.of(evaluation.checkpoint.dataset).spec.NOUN
    return f"{judged.purpose.format(noun=made)} {INVENTED if judged.makes else JUDGES}"


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
        return card_of(version)
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


def _use(reference: str, evaluation: Evaluation) -> str:
    """Lines of Python that work as they stand, in the project's folder."""
    checkpoint = evaluation.checkpoint
    served = task.find(task.name_of_family(checkpoint.family))
    call = served.usage(reference.partition("@")[0], checkpoint.dataset.spec) if served else task.UNKNOWN_USAGE
    needed = ["genfoundry", *(line for short, line in SHORT.items() if f"{short}." in call)]
    return (
        "### Use\nIn the project's folder:\n\n```python\n"
        f'import {", ".join(needed)}\n\nmodel = genfoundry.load("{reference}")\n{call}\n```'
    )
