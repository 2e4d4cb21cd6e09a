"""The page of a review, in Markdown as GitHub and GitLab render it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from genfoundry.records import Cost, Evaluation, Score
from genfoundry.report import wording
from genfoundry.report.markdown import block, code, plain, table
from genfoundry.review.affected import Touched
from genfoundry.review.compare import Effect, RecipeComparison, Review

SIGNS = {
    Effect.BETTER: "✓",
    Effect.SAME: "◦",
    Effect.IDENTICAL: "◦",
    Effect.SOUND: "✓",
    Effect.INHERITED: "◦",
    Effect.REJECTED: "✕",
    Effect.FAILED: "✕",
}
MOST_BYTES = 1_000_000  # of a step's summary on GitHub, which has 1 MiB
MOST_CHARACTERS = 60_000  # of a comment, which has 65,536


def render(review: Review, most: int = MOST_BYTES) -> str:
    """The page in at most `most` bytes of UTF-8: whole sections are left out from the end, and that is said."""
    parts = [part for part in _parts(review) if part]
    cut = "_More is in the file: this place holds no more._\n"
    kept: list[str] = []
    for part in parts:
        if sum(len(each.encode()) + 2 for each in (*kept, part, cut)) > most:
            return "\n\n".join([*kept, cut])
        kept.append(part)
    return "\n\n".join(kept) + "\n"


def _parts(review: Review) -> Iterator[str]:
    yield f"## genfoundry ci: {headline(review)}"
    yield _preamble(review)
    yield from _boards(review)
    yield _verdicts(review)
    yield _pictures(review)
    yield _costs(review)
    yield _data(review)
    yield _champions(review)
    yield _touched(review)


def headline(review: Review) -> str:
    """What came of it, in a line."""
    if not review.compared and not review.failures:
        names = [each.recipe for each in review.selection.run]
        return f"{len(names)} to run: {', '.join(names)}" if names else "no recipe to run"
    counts = [(Effect.REJECTED, "rejected"), (Effect.BETTER, "better"), (Effect.SAME, "without a difference")]
    counts += [(Effect.IDENTICAL, "identical"), (Effect.SOUND, "sound, not compared")]
    counts += [(Effect.INHERITED, "failing as before")]
    words = [f"{review.count(finding)} {word}" for finding, word in counts if review.count(finding)]
    words += [f"{review.failures} failed"] if review.failures else []
    total = len(review.compared) + len(review.broken)
    return f"{total} recipe{'s' if total != 1 else ''}: {', '.join(words)}"


def _preamble(review: Review) -> str:
    head = f"{code(review.head)}{' with uncommitted changes' if review.uncommitted else ''}"
    lines = [f"{code(review.base)} (where it left {code(review.against)}) → {head}."]
    if review.compared:
        lines.append(f"Both sides ran at the same budget, {review.protocol}, on the data of the change.")
    elif not review.selection.run and not review.failures:
        lines.append("The change touches no recipe that this machine runs, so nothing was trained.")
    return " ".join(lines)


def _boards(review: Review) -> Iterator[str]:
    groups: dict[tuple[str, str], list[RecipeComparison]] = {}
    for each in review.compared:
        if found := each.after.evaluation or each.before.evaluation:
            groups.setdefault((found.checkpoint.dataset.digest, found.primary), []).append(each)
    for (_, primary), group in groups.items():
        yield _board(primary, group)


def _board(primary: str, group: Sequence[RecipeComparison]) -> str:
    group = sorted(group, key=lambda each: wording.merit(_primary(each.after.evaluation, primary)))
    any_side = group[0].after.evaluation or group[0].before.evaluation
    assert any_side is not None, "a group is made of what has an evaluation"
    words, score = wording.meaning(primary), any_side.score(primary)
    way = f", {wording.direction(score.higher_is_better)}" if score else ""
    title = f"### {plain(any_side.checkpoint.dataset.name)}: {plain(words.label)}{way}"
    rows = [_row(each, primary) for each in group]
    rows += [
        ["_" + plain(wording.subject(s.subject)) + "_", "", _cell(s), ""]
        for s in [s for s in any_side.scores if s.name == any_side.primary and s.subject != "model"]
    ]
    note = f"{code(primary)}{': ' + plain(words.protocol) if words.protocol else ''}. 95 % intervals in brackets."
    return "\n\n".join([title, note, table(["recipe", "before", "after", "verdict"], rows)])


def _row(each: RecipeComparison, primary: str) -> list[str]:
    sides = [_cell(_primary(side.evaluation, primary)) or "none" for side in (each.before, each.after)]
    return [f"**{plain(each.recipe)}**", *sides, f"{SIGNS[each.finding]} {each.finding.value}"]


def _primary(evaluation: Evaluation | None, name: str) -> Score | None:
    return evaluation.score(name) if evaluation else None


def _cell(score: Score | None) -> str:
    if score is None:
        return ""
    between = wording.interval(score)
    return wording.value(score.name, score.value) + (f" ({between})" if between else "")


def _verdicts(review: Review) -> str:
    lines = ["### Verdicts"] if review.compared or review.broken else []
    for each in review.compared:
        lines.append(f"**{plain(each.recipe)}: {SIGNS[each.finding]} {each.finding.value}**\n")
        lines.append("\n".join(_reasons(each)))
    lines += [f"**{plain(name)}: ✕ does not parse**\n\n{block(error)}" for name, error in review.broken.items()]
    return "\n\n".join(line.rstrip("\n") for line in lines)


def _reasons(each: RecipeComparison) -> Iterator[str]:
    if each.after.error:
        came = "came to no weights" if each.finding is Effect.REJECTED else "could not be judged"
        yield f"With this change it {came}:\n\n{block(each.after.error)}"
        return
    if each.before.error:
        yield f"The base has nothing to compare with, so only its own rules count:\n\n{block(each.before.error)}\n"
    shown = each.failed or (each.verdict.reasons[-1:] if each.verdict and each.before.evaluation else ())
    for reason in shown:
        also = " The base fails it too." if reason.rule in each.inherited and reason.rule != "champion" else ""
        sentence = reason.sentence.replace("the champion", "the base")
        yield f"- {'✓' if reason.passed else '✗'} {plain(sentence)}{also}"
    for old, new in each.moved():
        better = "better" if (new.value > old.value) == new.higher_is_better else "worse"
        yield f"- {plain(wording.meaning(new.name).label)}: {_cell(old)} → {_cell(new)}, {better} beyond the intervals."


def _pictures(review: Review) -> str:
    rows = []
    for recipe, sides in review.pictures.items():
        shown = [_image(side, f"{recipe} {when}") for side, when in zip(sides, ("before", "after"), strict=True)]
        rows.append([f"**{plain(recipe)}**", *shown])
    if not rows:
        return ""
    return "### Pictures\n\n" + table(["recipe", "before", "after"], rows)


def _image(address: str | None, alt: str) -> str:
    return f'<img src="{escape(address)}" alt="{escape(alt)}" width="360">' if address else "none"


def _costs(review: Review) -> str:
    rows = [_cost(each) for each in review.compared if each.after.evaluation]
    titles = ["recipe", "training", "evaluation", "memory at most", "parameters", "FLOPs per sample"]
    return "### Cost, before → after\n\n" + table(titles, rows) if rows else ""


def _cost(each: RecipeComparison) -> list[str]:
    found = [side.evaluation for side in (each.before, each.after)]
    costs = [evaluation.checkpoint.cost if evaluation else None for evaluation in found]
    return [
        f"**{plain(each.recipe)}**",
        _arrow([wording.duration(cost.seconds) if cost else "" for cost in costs]),
        _arrow([wording.duration(evaluation.seconds) if evaluation else "" for evaluation in found]),
        _arrow([f"{cost.peak_memory_mb:,.0f} MB" if cost else "" for cost in costs]),
        _arrow([wording.quantity(cost.parameters) if cost else "" for cost in costs]),
        _arrow([_flops(cost) if cost else "" for cost in costs]),
    ]


def _flops(cost: Cost) -> str:
    return wording.quantity(cost.flops_per_sample) if math.isfinite(cost.flops_per_sample) else "unknown"


def _arrow(sides: Sequence[str]) -> str:
    """`3 s → 4 s`; once where they are equal."""
    before, after = (side or "none" for side in sides)
    return after if before == after else f"{before} → {after}"


def _data(review: Review) -> str:
    rows = [
        [
            f"**{plain(change.name)}**",
            _arrow([(digest or "")[:12] for digest in (change.before, change.after)]),
            _arrow([_rows(change.rows_before), _rows(change.rows_after)]),
        ]
        for change in review.data
    ]
    note = "Both sides were trained and judged on the data of the change, so the verdicts are about the rest of it."
    return "\n\n".join(["### Data", table(["dataset", "version", "rows"], rows), note]) if rows else ""


def _rows(counts: Mapping[str, int] | None) -> str:
    return ", ".join(f"{plain(split)} {count:,}" for split, count in counts.items()) if counts else "unknown"


def _champions(review: Review) -> str:
    rows = [
        [f"**{plain(each.recipe)}**", str(each.champion[0]), _cell(each.champion[1].score(each.champion[1].primary))]
        for each in review.compared
        if each.champion
    ]
    note = "At its full budget; shown for information, and not what decides here."
    return "\n\n".join(["### Registered champions", note, table(["recipe", "version", "score"], rows)]) if rows else ""


def _touched(review: Review) -> str:
    ran, left, unable = review.selection
    here = "run" if review.compared else "to be run"
    lines = [["**" + plain(each.recipe) + "**", here, _why(each)] for each in ran]
    other = "not asked for" if review.asked else "others stand for it"
    lines += [[plain(each.recipe), f"not run: {other}", _why(each)] for each in left]
    lines += [[plain(each.recipe), f"not run: {plain(review.unable[each.recipe])}", _why(each)] for each in unable]
    lines += [[plain(name), "not run", "removed by the change"] for name in review.removed]
    if not lines:
        return ""
    hint = "`genfoundry ci --all-touched` runs those that others stand for, too." if left and not review.asked else ""
    return "\n\n".join(["### What the change touches", table(["recipe", "here", "why"], lines), hint]).rstrip()


def _why(each: Touched) -> str:
    reasons = [*each.own, *each.shared]
    more = f" and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    return "; ".join(code(reason) for reason in reasons[:3]) + more
