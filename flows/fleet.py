"""The same flow over many recipes, side by side: mapped over a task runner, so that another runner takes it further."""

from __future__ import annotations

import os
from typing import Any

from prefect import Flow, task, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import TerminationSignal
from prefect.futures import PrefectFutureList
from prefect.task_runners import ThreadPoolTaskRunner

from genfoundry import tracking
from genfoundry.outcomes import NotPublished, Outcome, outcome, sentence
from genfoundry.records import Evaluation, ModelVersion
from genfoundry.stopping import interrupted, stopped

from .commands.checkout import ensure_own_code
from .events import announce
from .naming import named
from .pipeline import pipeline, trial
from .progress import screen
from .recipes import RecipeName
from .runs import owners, unpublished
from .runs.beginning import begin, flow
from .runs.clients import QuickClient
from .runs.shared import sharing, side_by_side

SILENT = (Outcome.SKIPPED, Outcome.HOLD)
ABOUT_MODELS = (Outcome.PROMOTED, Outcome.REJECTED)


@task(cache_policy=NO_CACHE, task_run_name="{recipe.value}")
def produce(recipe: RecipeName, overrides: dict[str, Any] | None) -> ModelVersion:
    """One recipe, whole; what it came to is announced."""
    try:
        version = pipeline(recipe, overrides)
    except Exception as error:
        if isinstance(error, NotPublished):
            unpublished.keep(recipe.value, overrides or {})
        _announce(recipe.value, error)
        raise
    unpublished.drop(recipe.value, overrides or {})
    _announce(version.name, version)
    return version


def _announce(name: str, result: ModelVersion | BaseException) -> None:
    word = outcome(result)
    if word not in SILENT:
        about = "model" if word in ABOUT_MODELS else "run"
        announce(f"{about}.{word.lower()}", name, sentence(result), version=getattr(result, "version", None))


@flow(name=named("fleet"), persist_result=False)
def fleet(recipes: list[RecipeName], overrides: dict[str, Any] | None = None) -> list[ModelVersion | BaseException]:
    """Run every recipe; one that fails stops no other.

    Returns:
        for each recipe its version, or what it raised.
    """
    _begin()
    with sharing():
        return _ended(produce.map(list(recipes), overrides=unmapped(overrides)))


@task(cache_policy=NO_CACHE, task_run_name="{recipe.value}")
def attempt(recipe: RecipeName, overrides: dict[str, Any] | None) -> Evaluation:
    """One recipe, up to its evaluation."""
    return trial(recipe, overrides)


@flow(name=named("trials"), persist_result=False)
def trials(recipes: list[RecipeName], overrides: dict[str, Any] | None = None) -> list[Evaluation | BaseException]:
    """Try every recipe and register none; one that fails stops no other."""
    _begin()
    with sharing():
        return _ended(attempt.map(list(recipes), overrides=unmapped(overrides)))


def _begin() -> None:
    """Repair what an earlier run that died left half done; the server has heard the flow's first heartbeat after it."""
    ensure_own_code()
    owners.own()
    for done in tracking.adopt():
        screen.console.print(done, soft_wrap=True, markup=False)
    tracking.repair_store()
    owners.close_lost()


def _ended(futures: PrefectFutureList[Any]) -> list[Any]:
    """What each came to; Prefect turns SIGTERM into an exception here, and then waits for what is under way."""
    try:
        futures.wait()
    except TerminationSignal:
        halt()
        raise
    return [future.result(raise_on_failure=False) for future in futures]


def halt(*_: object) -> None:
    """Ask everything under way to end; a handler of signals."""
    if not interrupted.is_set():
        screen.console.print("[yellow]stopping: each training saves a snapshot and ends[/]")
    interrupted.set()


def run(recipes: list[str], overrides: dict[str, Any] | None, jobs: int, work: Flow = fleet) -> list[Any]:
    """Run the fleet, or the `trials`, with `jobs` recipes at a time, each with its share of the cores."""
    begin()
    together = min(jobs, len(recipes))
    # torch and BLAS, not loaded yet, judge in this process: threads beyond the cores cost four to eight times
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // together)))
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    mapped = work.with_options(task_runner=ThreadPoolTaskRunner(max_workers=jobs))  # pyright: ignore[reportArgumentType]
    try:
        with QuickClient(), side_by_side(together):
            return mapped([RecipeName(name) for name in recipes], overrides)
    except TerminationSignal:
        raise stopped() from None
