"""What the project's things are called on a server that it may share with other projects."""

from __future__ import annotations

from genfoundry.project.places import settings


def named(name: str) -> str:
    """A flow's, a deployment's, a pool's or an artifact's name with the project's slug before it, once; the bare name
    where the project has none.

    Prefect knows a deployment by its name and its flow's, and a worker takes every run of its pool: without the slug
    two projects would replace each other's, and run them.
    """
    return settings().named(name)
