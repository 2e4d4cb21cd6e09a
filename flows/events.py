"""What happens in the factory, as Prefect events: an automation turns them into e-mail, a message or a webhook call."""

from __future__ import annotations

from prefect.events import emit_event

from genfoundry.project.places import settings

from .naming import named

PREFIX = "genfoundry."


def announce(event: str, resource: str, sentence: str, **payload: str | float | None) -> None:
    """Emit `genfoundry.<event>`; nothing is waited for, and nothing fails where no server listens.

    Args:
        event: what happened, as `model.promoted`, `model.rejected`, `run.failed`, `data.drifted`.
        resource: whom it happened to: a registered model, a recipe or a dataset; a project's slug comes before it.
        sentence: for the reader; lies in the payload as `sentence`.
        payload: small values beside it. Never a secret, never a path.
    """
    emit_event(
        event=PREFIX + event,
        resource={
            "prefect.resource.id": f"genfoundry.{event.partition('.')[0]}.{named(resource)}",
            "genfoundry.name": named(resource),
            "genfoundry.project": settings().slug,
        },
        payload={"sentence": sentence, **payload},
    )
