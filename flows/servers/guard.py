"""Both servers of the containers behind one guard: no answer to a foreign Host, a foreign Origin, or a stranger.

Alone, Prefect's server takes any Host and shows its pages to anyone, and MLflow's shows its pages and its settings to
anyone and answers a foreign Origin that only reads. The guard stands before everything that they serve.

`mlflow server --app-name genfoundry` finds `mlflow_app` by the entry point `mlflow.app`; Prefect's is
`uvicorn --factory genfoundry_flows.servers.guard:prefect_app`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
import tempfile
from collections.abc import Callable, Collection
from http import HTTPStatus

from cachetools import TTLCache
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

REMEMBERED = 60.0  # seconds that a password which was right needs no second look; scrypt takes a tenth of one
HEALTH = {"mlflow": ("/health",), "prefect": ("/api/health", "/api/ready")}
"""The paths that answer without credentials: a container's health check has none, and they tell nothing but that."""


class Guard:
    """An ASGI application that answers only who may ask.

    Args:
        app: what it stands before.
        hosts: names that the Host header may give, without port.
        origins: what an Origin header, where there is one, may be.
        open_paths: answered without credentials, to GET and HEAD.
        knows: whether user and password are right. A WebSocket's are not asked here: browsers can't send them, and
            Prefect asks for its own in the first message.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str],
        origins: Collection[str],
        open_paths: Collection[str],
        knows: Callable[[str, str], bool],
    ) -> None:
        self.app, self.hosts, self.origins, self.open_paths, self.knows = app, hosts, origins, open_paths, knows
        self.key = secrets.token_bytes(32)
        self.known: TTLCache[bytes, bool] = TTLCache(1000, REMEMBERED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None if scope["type"] == "lifespan" else await self.refusal(scope)
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it was accepted: the client sees 403
        else:
            await refusal(scope, receive, send)

    async def refusal(self, scope: Scope) -> PlainTextResponse | None:
        """What is answered instead of the application, or None."""
        headers = Headers(scope=scope)
        hosts = [_name(host) for host in headers.getlist("host")]
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return PlainTextResponse("This host name is not served.", HTTPStatus.FORBIDDEN)
        if not set(headers.getlist("origin")) <= set(self.origins):
            return PlainTextResponse("Pages of this origin may not ask.", HTTPStatus.FORBIDDEN)
        is_open = scope["path"] in self.open_paths and scope.get("method") in ("GET", "HEAD")
        if is_open or scope["type"] == "websocket" or await self.is_known(headers.get("authorization", "")):
            return None
        ask = {"WWW-Authenticate": 'Basic realm="genfoundry", charset="UTF-8"'}
        return PlainTextResponse("Who are you?", HTTPStatus.UNAUTHORIZED, ask)

    async def is_known(self, authorization: str) -> bool:
        """Whether the header holds the name and the password of a user."""
        pair = _pair(authorization)
        if pair is None:
            return False
        key = hmac.digest(self.key, authorization.encode(), "sha256")
        if key not in self.known and await run_in_threadpool(self.knows, *pair):
            self.known[key] = True
        return key in self.known


def _name(host: str) -> str:
    """A Host header without its port."""
    name, _, port = host.rpartition(":")
    return (name if name and port.isdecimal() else host).lower()


def _pair(authorization: str) -> tuple[str, str] | None:
    """User and password of a Basic header; None for anything else."""
    scheme, _, value = authorization.partition(" ")
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if scheme.lower() == "basic" and colon else None


def _listed(variable: str) -> list[str]:
    """The words of a variable, parted by commas; it must be set, so that a forgotten one opens nothing."""
    return [word.strip().lower() for word in os.environ[variable].split(",") if word.strip()]


def _guarded(app: ASGIApp, server: str, knows: Callable[[str, str], bool]) -> Guard:
    hosts, origins = _listed("GENFOUNDRY_ALLOWED_HOSTS"), _listed("GENFOUNDRY_ALLOWED_ORIGINS")
    return Guard(app, hosts, origins, HEALTH[server], knows)


def prefect_app() -> Guard:
    """Prefect's server with its services, as `prefect server start` makes it, behind the guard."""
    auth = os.environ["PREFECT_SERVER_API_AUTH_STRING"].encode()
    os.environ["PREFECT__SERVER_FINAL"] = "1"
    from prefect.server.api.server import create_app

    def knows(user: str, password: str) -> bool:
        return hmac.compare_digest(f"{user}:{password}".encode(), auth)

    return _guarded(create_app(), "prefect", knows)


def mlflow_app() -> Guard:
    """MLflow's server with its own users and permissions, in the same database as its runs, behind the guard."""
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as file:  # read once, at the import
        file.write(auth_settings(os.environ["MLFLOW_BACKEND_STORE_URI"]))
        file.flush()
        os.environ["MLFLOW_AUTH_CONFIG_PATH"] = file.name
        from mlflow.server import auth
    return _guarded(auth.create_app(), "mlflow", auth.store.authenticate_user)  # pyright: ignore[reportArgumentType]


def auth_settings(database: str) -> str:
    """MLflow's file of settings for users: none has a right that was not given to them."""
    lines = {
        "default_permission": "NO_PERMISSIONS",
        "database_uri": database.replace("%", "%%"),
        "admin_username": "admin",
        "auth_cache_ttl_seconds": str(int(REMEMBERED)),
    }
    return "[mlflow]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())
