"""What a Prefect server is told: the work pool, the deployments of `prefect.yaml`, the automations.

Telling it twice is telling it once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from genfoundry.errors import UserError, closest
from genfoundry.files import digest, file_digest, write_atomic
from genfoundry.project.root import project_root, state_dir

from .. import recipes

FILE = "prefect.yaml"
EXPECTED = {"cron": 'minute hour day month weekday, as "0 2 * * *"', "interval": "seconds"}
AUTOMATIONS = ("close-lost-runs.yaml",)
"""Those of `automations/` that need no address or block of the user's."""


def deploy(pool: str) -> list[str]:
    """Make the pool, the deployments and the automations; returns the deployments' names.

    Raises:
        UserError: `prefect.yaml` is missing, or Prefect refuses it (shows its sentence).
    """
    told, mark = _told(), state_dir("servers") / "deployed"
    if mark.exists() and mark.read_bytes() == told.encode() and _are_there(declared()):
        return declared()
    ensure_pool(pool)
    names = deploy_all()
    for name in AUTOMATIONS:
        ensure_automation(project_root() / "automations" / name)
    write_atomic(mark, told)
    return names


def _told() -> str:
    """sha256 of all that decides what the server is told: the same needs no second telling, which would take back what
    a person changed on Prefect's pages, a schedule that was paused or added."""
    files = [project_root() / FILE, *(project_root() / "automations" / name for name in AUTOMATIONS)]
    files += sorted(Path(__file__).parents[1].glob("*.py"))
    return digest([*(file_digest(path) for path in files if path.is_file()), recipes.names()])


def _are_there(names: list[str]) -> bool:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return set(names) <= {each.name for each in client.read_deployments(limit=200)}


def ensure_pool(name: str) -> None:
    """Make the work pool, of processes on the worker's machine, if there is none."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.workers.process import ProcessWorker

    pool = WorkPoolCreate(
        name=name,
        type="process",
        description="Trainings, each a process of the worker's machine.",
        base_job_template=ProcessWorker.get_default_base_job_template(),
    )
    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(pool)
        except ObjectAlreadyExists:
            return


def deploy_all() -> list[str]:
    """`prefect deploy --all`, as a user gives it."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(
        command, cwd=project_root(), env={**os.environ, "COLUMNS": "200"}, capture_output=True, text=True, timeout=120
    )
    text = done.stdout + done.stderr
    if done.returncode or "Failed" in text:
        lines = [line for line in text.splitlines() if "rror" in line or "Failed" in line] or text.splitlines()[-3:]
        raise UserError(f"Prefect refused {FILE}: {' '.join(lines)[:600]}", remedy=f"correct {FILE}, then: make up")
    return declared()


def declared() -> list[str]:
    """The names of the deployments in `prefect.yaml`."""
    return [each["name"] for each in _document()]


def timetable() -> str:
    """The deployments with their schedules, in one line."""
    return ", ".join(f"{each['name']} ({_times(each)})" for each in _document())


def _times(deployment: dict[str, Any]) -> str:
    found = [str(next(iter(schedule.values()))) for schedule in deployment.get("schedules") or []]
    return " and ".join(found) or "by hand"


def _document() -> list[dict[str, Any]]:
    import yaml

    path = project_root() / FILE
    if not path.is_file():
        raise UserError(f"There is no {path}.", remedy="run this in a checkout of the project")
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]
        return [{"name": str(each["name"]), **each} for each in found]
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise UserError(f"{FILE} does not parse: {error}", expected="a list of named `deployments`") from None


def check() -> None:
    """Look over `prefect.yaml` before anything is started.

    Raises:
        UserError: a schedule does not parse, or a recipe is unknown (names the closest); says where.
    """
    for each in _document():
        where = f"{FILE}: deployment '{each['name']}'"
        for schedule in each.get("schedules") or []:
            _check_schedule(schedule, where)
        for recipe in (each.get("parameters") or {}).get("recipes", []):
            if recipe not in recipes.names():
                raise UserError(f"{where}: there is no recipe '{recipe}'; {closest(recipe, recipes.names())}")


def _check_schedule(schedule: dict[str, Any], where: str) -> None:
    from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

    kinds = {"cron": CronSchedule, "interval": IntervalSchedule, "rrule": RRuleSchedule}
    kind = next((word for word in kinds if word in schedule), None)
    if kind is None:
        raise UserError(f"{where}: a schedule has none of {', '.join(kinds)}.", expected='cron: "0 2 * * *"')
    fields = {key: schedule[key] for key in (kind, "timezone") if key in schedule}
    try:
        kinds[kind].model_validate(fields)
    except ValueError as error:
        reason = str(error).splitlines()[2].strip() if len(str(error).splitlines()) > 2 else str(error)
        expected = (
            'minute hour day month weekday, as "0 2 * * *"' if kind == "cron" else "what Prefect's documentation says"
        )
        raise UserError(f"{where}: {kind} {schedule[kind]!r} is no schedule: {reason}", expected=expected) from None


def ensure_automation(path: Path) -> None:
    """Make an automation, or bring the one of that name to what the file says."""
    import yaml
    from prefect.client.orchestration import get_client
    from prefect.events.schemas.automations import AutomationCore

    wanted = AutomationCore.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    with get_client(sync_client=True) as client:
        if found := client.read_automations_by_name(wanted.name):
            client.update_automation(found[0].id, wanted)
        else:
            client.create_automation(wanted)
