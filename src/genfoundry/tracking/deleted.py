"""A registered model that was deleted outside genfoundry."""

from __future__ import annotations

from genfoundry.tracking.store import client, is_absent


def is_there(name: str) -> bool:
    """Whether the store holds a registered model."""
    try:
        client().get_registered_model(name)
    except Exception as error:
        if is_absent(error):
            return False
        raise
    return True


def explain(name: str, moves: int) -> dict[str, str]:
    """What was found, expected and to do, of a model of which this machine has seen `moves` moves of an alias."""
    return {
        "found": f"The registered model '{name}', of which this machine has seen {moves} moves of an alias, is gone "
        "from the registry.",
        "expected": "a registered model that stays",
        "remedy": f"genfoundry forget --ledger {name} --yes   (where it was deleted on purpose; else restore MLflow's "
        "database from a backup)",
    }
