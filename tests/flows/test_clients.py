"""Asking again: soon where Prefect's server was busy for a moment, with Prefect's own patience where it is away."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import uuid4

import httpx
import pytest
from genfoundry_flows.runs.clients import SOON, QuickClient, ask_again_soon
from prefect.client.orchestration import get_client
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_CSRF_SUPPORT_ENABLED,
    PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED,
    temporary_settings,
)


class Busy(BaseHTTPRequestHandler):
    """Refuses as many changes as it was told to, then takes them."""

    refusals = 0

    def do_PATCH(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        refused = type(self).refusals > 0
        type(self).refusals -= refused
        self.answer(503 if refused else 204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """How long Prefect's client wanted to sleep, each time, of one that talks to `Busy`."""
    found: list[float] = []
    monkeypatch.setattr("prefect.client.base.time.sleep", found.append)
    server = HTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    nothing_else = {PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED: False, PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: False}
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{server.server_port}/api", **nothing_else}):
        yield found
    server.shutdown()
    server.server_close()


def test_a_moment_is_waited_for_a_moment(waits):
    Busy.refusals = 2
    with QuickClient() as context, get_client(sync_client=True) as client:
        assert client is context.client
        client.update_flow_run_labels(uuid4(), {"a": "b"})
    assert [SOON[0] <= waits[0] < 2 * SOON[0], SOON[1] <= waits[1] < 2 * SOON[1], len(waits)] == [True, True, 2]


def test_one_that_is_away_is_waited_for_as_prefect_does(waits):
    Busy.refusals = 4
    with QuickClient(), get_client(sync_client=True) as client:
        client.update_flow_run_labels(uuid4(), {"a": "b"})
    assert len(waits) == 4
    assert min(waits[2:]) > 4  # seconds


def test_without_it_a_moment_costs_seconds(waits):
    """What this is for; when Prefect mends it, this module can go."""
    Busy.refusals = 1
    with get_client(sync_client=True) as client:
        client.update_flow_run_labels(uuid4(), {"a": "b"})
    assert waits[0] > 1


def test_what_a_server_asks_for_counts():
    request = httpx.Request("PATCH", "http://localhost")
    said, silent = (
        httpx.Response(503, headers={"Retry-After": "9"}, request=request),
        httpx.Response(200, request=request),
    )
    ask_again_soon(said)
    ask_again_soon(silent)
    assert (said.headers["Retry-After"], "Retry-After" in silent.headers) == ("9", False)
