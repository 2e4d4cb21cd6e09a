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
from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, SimpleUser
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

REMEMBERED = 60.0  # seconds that a password which was right needs no second look; scrypt takes a tenth of one
HEALTH = {"mlflow": ("/health",), "prefect": ("/api/health", "/api/ready")}
"""The paths that answer without credentials: a container's health check has none, and they tell nothing but that."""


class OwnPages:
    """Answers requests to names of ours, from pages of ours, and no others.

    Starlette's TrustedHostMiddleware reads the first of several Host headers, takes `*` for any, and says 400.

    Args:
        app: what it stands before.
        hosts: names that the Host header may give, without port.
        origins: what an Origin header, where there is one, may be.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], origins: Collection[str]) -> None:
        self.app, self.hosts, self.origins = app, hosts, set(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = "" if scope["type"] == "lifespan" else self.refusal(Headers(scope=scope))
        if not refusal:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it was accepted: the client sees 403
        else:
            await PlainTextResponse(refusal, HTTPStatus.FORBIDDEN)(scope, receive, send)

    def refusal(self, headers: Headers) -> str:
        """Why the application is not asked; empty where it is."""
        hosts = [_name(host) for host in headers.getlist("host")]
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return "This host name is not served."
        return "" if set(headers.getlist("origin")) <= self.origins else "Pages of this origin may not ask."


class Users(AuthenticationBackend):
    """Knows who may come in, by name and password (RFC 7617).

    Args:
        open_paths: answered to anybody, to GET and HEAD.
        knows: whether user and password are right. A WebSocket's are not asked here: browsers can't send them, and
            Prefect asks for its own in the first message.
    """

    def __init__(self, open_paths: Collection[str], knows: Callable[[str, str], bool]) -> None:
        self.open_paths, self.knows = open_paths, knows
        self.key = secrets.token_bytes(32)
        self.known: TTLCache[bytes, bool] = TTLCache(1000, REMEMBERED)

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        """The user, or None where nobody is asked for.

        Raises:
            AuthenticationError: a name and the right password are asked for, and were not given.
        """
        is_open = conn.scope["path"] in self.open_paths and conn.scope.get("method") in ("GET", "HEAD")
        if is_open or conn.scope["type"] == "websocket":
            return None
        authorization = conn.headers.get("authorization", "")
        pair = _pair(authorization)
        if pair is None or not await self.is_known(authorization, pair):
            raise AuthenticationError("Who are you?")
        return AuthCredentials(["authenticated"]), SimpleUser(pair[0])

    async def is_known(self, authorization: str, pair: tuple[str, str]) -> bool:
        """Whether name and password are right; what was right is remembered for a while by the header's keyed hash."""
        key = hmac.digest(self.key, authorization.encode(), "sha256")
        if key not in self.known and await run_in_threadpool(self.knows, *pair):
            self.known[key] = True
        return key in self.known


def guard(
    app: ASGIApp,
    hosts: Collection[str],
    origins: Collection[str],
    open_paths: Collection[str],
    knows: Callable[[str, str], bool],
) -> ASGIApp:
    """The application behind `OwnPages` and then `Users`, whose arguments these are."""
    return OwnPages(AuthenticationMiddleware(app, Users(open_paths, knows), _ask), hosts, origins)


def _ask(_: HTTPConnection, error: AuthenticationError) -> PlainTextResponse:
    ask = {"WWW-Authenticate": 'Basic realm="genfoundry", charset="UTF-8"'}
    return PlainTextResponse(str(error), HTTPStatus.UNAUTHORIZED, ask)


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


def _guarded(app: ASGIApp, server: str, knows: Callable[[str, str], bool]) -> ASGIApp:
    hosts, origins = _listed("GENFOUNDRY_ALLOWED_HOSTS"), _listed("GENFOUNDRY_ALLOWED_ORIGINS")
    return guard(app, hosts, origins, HEALTH[server], knows)


def prefect_app() -> ASGIApp:
    """Prefect's server with its services, as `prefect server start` makes it, behind the guard."""
    auth = os.environ["PREFECT_SERVER_API_AUTH_STRING"].encode()
    os.environ["PREFECT__SERVER_FINAL"] = "1"
    from prefect.server.api.server import create_app

    def knows(user: str, password: str) -> bool:
        return hmac.compare_digest(f"{user}:{password}".encode(), auth)

    return _guarded(create_app(), "prefect", knows)


def mlflow_app() -> ASGIApp:
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
