"""The guard by itself, before an application that answers everything. Before the real servers: tests/test_auth.py."""

from __future__ import annotations

import asyncio
import base64
import configparser

import httpx
import pytest
from genfoundry_flows.servers.guard import auth_settings, guard
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Scope

RIGHT = {"Authorization": "Basic " + base64.b64encode("me:a:b ü".encode()).decode()}


def guarded(asked: list | None = None) -> ASGIApp:
    def knows(user: str, password: str) -> bool:
        if asked is not None:
            asked.append((user, password))
        return (user, password) == ("me", "a:b ü")

    return guard(PlainTextResponse("in"), {"here", "[::1]"}, {"http://here:1"}, {"/health"}, knows)


def statuses(app: ASGIApp, *requests: tuple[str, str, dict]) -> list[int]:
    async def run() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return [
                (await client.request(method, path, headers=headers)).status_code for method, path, headers in requests
            ]

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", RIGHT, 200),
        ("GET", "/", {**RIGHT, "Host": "HERE:99"}, 200),
        ("GET", "/", {**RIGHT, "Host": "[::1]:99"}, 200),
        ("GET", "/", {**RIGHT, "Origin": "http://here:1"}, 200),
        ("GET", "/", {}, 401),
        ("GET", "/", {"Authorization": RIGHT["Authorization"].replace("Basic", "Bearer")}, 401),
        ("GET", "/", {"Authorization": "Basic bWU="}, 401),  # a name without a colon
        ("GET", "/", {"Authorization": "Basic /+8="}, 401),  # no UTF-8
        ("GET", "/", {**RIGHT, "Host": "there"}, 403),
        ("GET", "/", {**RIGHT, "Host": "here.there"}, 403),
        ("GET", "/", {**RIGHT, "Origin": "http://here:2"}, 403),
        ("GET", "/", {**RIGHT, "Origin": "https://here:1"}, 403),
        ("GET", "/health", {}, 200),
        ("HEAD", "/health", {}, 200),
        ("POST", "/health", {}, 401),
        ("GET", "/health/", {}, 401),
        ("GET", "/health", {"Host": "there"}, 403),
    ],
)
def test_who_is_let_in(method, path, headers, status):
    assert statuses(guarded(), (method, path, headers)) == [status]


@pytest.mark.parametrize(
    ("headers", "code"),
    [([(b"host", b"here")], None), ([(b"host", b"there")], 1008), ([(b"host", b"here")] * 2, 1008),
     ([(b"host", b"here"), (b"origin", b"http://there")], 1008), ([], 1008)],
)  # fmt: skip
def test_a_websocket_is_refused_before_it_opens_and_never_asked_for_a_password(headers, code):
    reached, sent = [], []

    async def inner(scope: Scope, *_: object) -> None:
        reached.append(scope["type"])

    async def send(message: Message) -> None:
        sent.append(message.get("code"))

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/", "headers": headers}
    asyncio.run(guard(inner, {"here"}, set(), {"/health"}, lambda *_: False)(scope, receive, send))
    assert (reached, sent) == ([], [code]) if code else (["websocket"], [])


def test_a_password_that_was_right_is_not_looked_up_again_and_a_wrong_one_is():
    asked = []
    wrong = {"Authorization": "Basic " + base64.b64encode(b"me:no").decode()}
    found = statuses(guarded(asked), ("GET", "/", RIGHT), ("GET", "/", RIGHT), ("GET", "/", wrong), ("GET", "/", wrong))
    assert found == [200, 200, 401, 401]
    assert asked == [("me", "a:b ü"), ("me", "no"), ("me", "no")]


def test_the_settings_of_mlflow_hold_an_address_with_percent_signs():
    config = configparser.ConfigParser()
    config.read_string(auth_settings("postgresql+psycopg://u:p%40@h/d?options=-csearch_path%3Dmlflow"))
    assert config["mlflow"]["database_uri"] == "postgresql+psycopg://u:p%40@h/d?options=-csearch_path%3Dmlflow"
    assert config["mlflow"]["default_permission"] == "NO_PERMISSIONS"
