"""What is said of an alias that is not where the ledger says, and of a version that is gone."""

from __future__ import annotations

from genfoundry.errors import UserError
from genfoundry.project.mark import JOINT
from genfoundry.project.places import settings
from genfoundry.tracking.store import client
from genfoundry.tracking.versions import CHAMPION, list_versions


def moved_outside(name: str, alias: str, at: int | None, said: int | None) -> UserError:
    """The alias is where no move of the ledger put it."""
    back = f"genfoundry registry promote {name} {said or at} --reason WHY"
    return UserError(
        f"The alias '{alias}' of '{name}' is at version {at}, but the ledger says {said}: "
        "it was moved outside genfoundry.",
        expected=f"version {said}",
        remedy=back if alias == CHAMPION else "genfoundry reconcile   (it puts the alias back)",
    )


def version_deleted(name: str, alias: str, said: int) -> UserError:
    """The version that the ledger's last move names is not there."""
    left = next((info for info in list_versions(name) if info.decision in ("PROMOTE", "HOLD")), None)
    return UserError(
        f"The ledger of '{name}' has '{alias}' at version {said}, which was deleted outside genfoundry.",
        expected="a version that is there",
        remedy=f"genfoundry registry promote {name} {left.version}" if left else run_command(name),
    )


def run_command(name: str) -> str:
    """The command that runs the recipe of a registered model on its data: its name is the recipe's, or
    `<recipe>-<dataset>` where that is not the recipe's own dataset; a project's slug goes before it.
    """
    data = client().get_registered_model(name).tags.get("dataset", "")
    slug, _, rest = name.partition(JOINT)
    recipe = rest if slug == settings().slug else name
    for joint in (JOINT, "-"):
        if data and recipe.endswith(f"{joint}{data}"):
            return f"genfoundry run {recipe.removesuffix(f'{joint}{data}')} --data {data}"
    return f"genfoundry run {recipe}"
