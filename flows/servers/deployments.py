"""What a Prefect server is told: the work pool, the deployments, the automations.

Telling it twice is telling it once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml

from genfoundry.errors import UserError
from genfoundry.files import digest, file_digest, write_atomic
from genfoundry.project.root import ROOT, project_root, state_dir

from .. import recipes
from .declarations import FILE, SHIPPED, document

AUTOMATIONS = ("close-lost-runs.yaml",)
"""Those that need no address or block of the user's. One serves all projects of a server."""


def deploy(pool: str) -> list[str]:
    """Make the pool, the deployments and the automations; returns the deployments' names.

    Raises:
        UserError: what is declared does not hold, or Prefect refuses it (shows its sentence).
    """
    wanted = document(pool)
    names = [each["name"] for each in wanted["deployments"]]
    text = yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True)
    told, mark = _told(text), state_dir("servers") / "deployed"
    if mark.exists() and mark.read_bytes() == told.encode() and _are_there(names):
        return names
    ensure_pool(pool)
    deploy_all(write_atomic(state_dir("servers") / FILE, text))
    for name in AUTOMATIONS:
        ensure_automation(SHIPPED / "automations" / name)
    write_atomic(mark, told)
    return names


def _told(declared: str) -> str:
    """sha256 of all that decides what the server is told: the same needs no second telling, which would take back what
    a person changed on Prefect's pages, a schedule that was paused or added."""
    files = [SHIPPED / "automations" / name for name in AUTOMATIONS]
    files += sorted(Path(__file__).parents[1].glob("*.py"))
    return digest([declared, *(file_digest(path) for path in files), recipes.names()])


def _are_there(names: list[str]) -> bool:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName

    wanted = DeploymentFilter(name=DeploymentFilterName(any_=names))
    with get_client(sync_client=True) as client:
        return set(names) <= {each.name for each in client.read_deployments(deployment_filter=wanted)}


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


def deploy_all(file: Path) -> None:
    """`prefect deploy --all`, as a user gives it, of that file.

    Raises:
        UserError: Prefect refuses it; shows its sentence.
    """
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
    env = {**os.environ, "COLUMNS": "200", ROOT: str(project_root())}
    done = subprocess.run(command, cwd=project_root(), env=env, capture_output=True, text=True, timeout=120)
    text = done.stdout + done.stderr
    if done.returncode or "Failed" in text:
        lines = [line for line in text.splitlines() if "rror" in line or "Failed" in line] or text.splitlines()[-3:]
        raise UserError(
            f"Prefect refused the deployments ({file}): {' '.join(lines)[:600]}",
            remedy=f"correct the project's {FILE}, or deployments in its mark, then: genfoundry up",
        )


def ensure_automation(path: Path) -> None:
    """Make an automation, or bring the one of that name to what the file says."""
    from prefect.client.orchestration import get_client
    from prefect.events.schemas.automations import AutomationCore

    wanted = AutomationCore.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    with get_client(sync_client=True) as client:
        if found := client.read_automations_by_name(wanted.name):
            client.update_automation(found[0].id, wanted)
        else:
            client.create_automation(wanted)
