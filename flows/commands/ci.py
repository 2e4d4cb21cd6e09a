"""`genfoundry ci`."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from genfoundry.review.compare import Review


@click.command()
@click.option("--base", "against", default="origin/main", show_default=True, metavar="REVISION", help="Compare with.")
@click.option("--recipes", multiple=True, metavar="NAME", help="These instead of those touched; may be repeated.")
@click.option("--all-touched", is_flag=True, help="Every touched recipe, also where others would stand for it.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Override on both sides.")
@click.option("--budget", type=click.Choice(["quick", "ci", "full"]), default="ci", show_default=True)
@click.option("-j", "--jobs", type=click.IntRange(1), help="Recipes at a time (default: cores, at most recipes).")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The page (default: .genfoundry/reviews/review.md)."
)
@click.option("--embed", is_flag=True, help="Put pictures into the page, not beside it.")
@click.option("--dry-run", is_flag=True, help="Say which recipes would run, and why; run none.")
@click.option("--strict", is_flag=True, help="Reject also what fails on the base as well.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def ci(
    against: str,
    recipes: tuple[str, ...],
    all_touched: bool,
    assignments: tuple[str, ...],
    budget: str,
    jobs: int | None,
    output: Path | None,
    embed: bool,
    dry_run: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Show what a change does to quality, before anyone merges it.

    Finds the recipes that differ, by the arrows of the code, from where this checkout left the base; trains and judges
    them before and after, registers nothing, and writes one Markdown page. Exits with 5 where the gate says REJECT and
    would not have said it of the base, with 1 where a recipe failed, with 143 where it was stopped.
    """
    from genfoundry.project.root import state_dir
    from genfoundry.recipe import BUDGETS

    from ..review import review
    from .run import overrides_of

    signal.signal(signal.SIGTERM, stop)
    request = review.ReviewRequest(against, budget, assignments, recipes, all_touched, jobs, dry_run)
    found = review.review(request, {**BUDGETS[budget], **overrides_of(assignments)})
    page = review.write_page(found, output or state_dir("reviews") / "review.md", embed)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(review.comment(page).read_text(encoding="utf-8"))
    _show(found, page, as_json, strict)


def stop(*_: object) -> None:
    """On SIGTERM: end as an interrupt does, so that the side under way ends too and no worktree stays."""
    from genfoundry.outcomes import MEANINGS, Outcome

    raise click.exceptions.Exit(MEANINGS[Outcome.PREEMPTED].status)


def _show(found: Review, page: Path, as_json: bool, strict: bool) -> None:
    from genfoundry.outcomes import MEANINGS, Outcome
    from genfoundry.review.compare import Effect
    from genfoundry.review.page import headline

    if as_json:
        click.echo(json.dumps(_document(found, page), indent=1))
    else:
        click.echo(f"{headline(found)}\nPage      {page}")
    if found.count(Effect.REJECTED) or (strict and found.count(Effect.INHERITED)):
        raise click.exceptions.Exit(MEANINGS[Outcome.REJECTED].status)
    if found.failures:
        raise click.exceptions.Exit(1)


def _document(found: Review, page: Path) -> dict[str, object]:
    return {
        "base": found.base,
        "head": found.head,
        "page": str(page),
        "recipes": [
            {
                "recipe": each.recipe,
                "finding": each.finding.value,
                "decision": each.verdict.decision if each.verdict else None,
                "reasons": [reason.model_dump() for reason in (each.verdict.reasons if each.verdict else ())],
                "why": [*each.touched.own, *each.touched.shared],
                "errors": {"before": each.before.error, "after": each.after.error},
            }
            for each in found.compared
        ],
        "run": [each.recipe for each in found.selection.run],
        "not_run": [each.recipe for each in (*found.selection.left, *found.selection.unable)],
        "removed": list(found.removed),
        "broken": dict(found.broken),
    }
