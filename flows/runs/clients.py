"""Prefect's client, quick to ask again where its server was only busy for a moment.

A Prefect server on SQLite often reads a row and then writes it, which SQLite refuses at once where another wrote in
between, as it does while the server hears the first heartbeat of a flow. The server then answers 503, and Prefect's
client waits two seconds and more, for what takes a tenth of one.
"""

from __future__ import annotations

from typing import Any

import httpx
from prefect.context import SyncClientContext

SOON = (0.1, 0.3)  # seconds before the first tries again; whoever is away for longer is given Prefect's own patience
TRIES = "genfoundry.tries"


class QuickClient(SyncClientContext):
    """Within it, flows and tasks of this process, and `get_client(sync_client=True)`, use one such client."""

    def __init__(self, httpx_settings: dict[str, Any] | None = None) -> None:
        super().__init__({**(httpx_settings or {}), "event_hooks": {"response": [ask_again_soon]}})
        self._httpx_settings = httpx_settings  # what `get_client` compares; the hook is no setting of its caller


def ask_again_soon(response: httpx.Response) -> None:
    """Let a refusal say when to ask again, for the first tries of a request; its own word counts, if it has one."""
    tried = response.request.extensions.get(TRIES, 0)
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE and tried < len(SOON):
        response.headers.setdefault("Retry-After", str(SOON[tried]))
        response.request.extensions[TRIES] = tried + 1
