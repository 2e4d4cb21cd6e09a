"""The deployments of a project: those of its own `prefect.yaml`, else the shipped ones with what its mark says differs.

Either way the names, and the pool's, carry the project's slug.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from genfoundry.errors import UserError, closest
from genfoundry.project import markers
from genfoundry.project.places import settings
from genfoundry.project.root import project_root, source_root

from .. import recipes
from ..naming import named

FILE = "prefect.yaml"
SHIPPED = Path(__file__).parents[1] / "deployments"
POOL = "genfoundry"
FLOWS = "genfoundry_flows."
"""Where the entry points of ours begin; a `prefect.yaml` without any is about other flows of the user's."""


def pool() -> str:
    """The work pool whose runs are this project's."""
    return named(POOL)


def document(pool: str) -> dict[str, Any]:
    """What Prefect is told, as the content of a `prefect.yaml`; runs go to `pool` where none else is named.

    Raises:
        UserError: the file, or the mark, says something that can't be; says where.
    """
    path, found = _read()
    if path.parent == SHIPPED:
        _say_own_recipes(found["deployments"])
        _say_differences(found["deployments"])
    for each in found["deployments"]:
        _make_ours(each, pool)
    return found


def declared() -> list[str]:
    """The names of the deployments, as Prefect has them."""
    return [each["name"] for each in document(pool())["deployments"]]


def timetable() -> str:
    """The deployments with their schedules, in one line."""
    return ", ".join(f"{each['name']} ({_times(each)})" for each in document(pool())["deployments"])


def _times(deployment: dict[str, Any]) -> str:
    found = [str(next(iter(schedule.values()))) for schedule in deployment.get("schedules") or []]
    return " and ".join(found) or "by hand"


def check() -> None:
    """Look over what is declared before anything is started.

    Raises:
        UserError: a schedule does not parse, or a recipe is unknown (names the closest); says where.
    """
    path, _ = _read()
    for each in document(pool())["deployments"]:
        where = f"{_where(path)}: deployment '{each['name']}'"
        for schedule in each.get("schedules") or []:
            _check_schedule(schedule, where)
        for recipe in (each.get("parameters") or {}).get("recipes", []):
            if recipe not in recipes.names():
                raise UserError(f"{where}: there is no recipe '{recipe}'; {closest(recipe, recipes.names())}")


def _where(path: Path) -> str:
    """The file in which a person changes what is declared."""
    return str(markers.file_of(source_root()) or path) if path.parent == SHIPPED else FILE


def _read() -> tuple[Path, dict[str, Any]]:
    own = project_root() / FILE
    if own.is_file() and _is_about_us(found := _parsed(own)):
        return own, found
    return SHIPPED / FILE, _parsed(SHIPPED / FILE)


def _is_about_us(document: dict[str, Any]) -> bool:
    points = [str(each.get("entrypoint", "")) for each in document["deployments"]]
    return not points or any(point.startswith(FLOWS) for point in points)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {**found, "deployments": [{**each, "name": str(each["name"])} for each in found["deployments"]]}
    except (yaml.YAMLError, TypeError, KeyError, UnicodeDecodeError) as error:
        raise UserError(f"{path} does not parse: {error}", expected="a list of named `deployments`") from None


def _make_ours(deployment: dict[str, Any], pool: str) -> None:
    deployment["name"] = named(deployment["name"])
    where = deployment.get("work_pool") or {"name": POOL}
    deployment["work_pool"] = {**where, "name": pool} if where.get("name", POOL) == POOL else where
    if (slug := settings().slug) and slug not in (tags := deployment.get("tags") or []):
        deployment["tags"] = [*tags, slug]


def _say_own_recipes(deployments: list[dict[str, Any]]) -> None:
    """What the project has of its own is what it trains; the default fleet is for who has none."""
    own = recipes.own()
    for each in deployments:
        if own and "recipes" in each.get("parameters", {}):
            each["parameters"]["recipes"] = own


def _say_differences(deployments: list[dict[str, Any]]) -> None:
    known = {each["name"]: each for each in deployments}
    for name, said in settings().deployments.items():
        where = f"{markers.file_of(source_root())}: deployments.{name}"
        if name not in known:
            raise UserError(f"{where}: there is no such deployment; {closest(name, known)}")
        _differ(known[name], said, where)


def _differ(deployment: dict[str, Any], said: dict[str, Any], where: str) -> None:
    """Let a deployment be as the mark says: `cron` and `timezone` its schedule, all else its parameters."""
    parameters = deployment["parameters"]
    if "cron" in said or "timezone" in said:
        (before,) = deployment["schedules"]
        schedule = {**before, **{key: said[key] for key in ("cron", "timezone") if key in said}}
        deployment["schedules"] = [schedule] if schedule["cron"] else []
    for key in [key for key in said if key not in ("cron", "timezone")]:
        if key not in parameters:
            raise UserError(f"{where}: unknown key '{key}'; {closest(key, ['cron', 'timezone', *parameters])}")
        parameters[key] = said[key]


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
