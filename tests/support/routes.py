"""Every route of a server, from the application itself.

`python tests/support/routes.py mlflow|prefect` prints them as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

WORDS = {"int": "1", "float": "1.5", "uuid": "00000000-0000-4000-8000-000000000000", "path": "a/b"}


class Route(NamedTuple):
    """One way to ask: a method (or WEBSOCKET) and a path with its parameters filled in."""

    method: str
    path: str


def of(server: str) -> list[Route]:
    """The routes of `mlflow` or `prefect`; the application is made in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "GENFOUNDRY_ALLOWED_HOSTS": "localhost",
            "GENFOUNDRY_ALLOWED_ORIGINS": "",
            "MLFLOW_AUTH_ADMIN_PASSWORD": "sixteen letters or so",
            "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{folder}/mlflow.db",
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "any",
            "PREFECT_HOME": folder,
            "PREFECT_SERVER_API_AUTH_STRING": "any:thing",
            "_MLFLOW_SGI_NAME": "uvicorn",
        }
        command = [sys.executable, str(Path(__file__)), server]
        done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    return sorted({Route(*each) for each in json.loads(done.stdout.splitlines()[-1])})


def walk(routes: list, prefix: str = "") -> Iterator[Route]:
    """The routes of an ASGI application, of those it mounts, and of a Flask application among them."""
    from fastapi.routing import iter_route_contexts
    from starlette.routing import Mount, WebSocketRoute

    for each in iter_route_contexts(routes):
        route = each.original_route
        if isinstance(route, Mount):
            where = prefix + route.path
            inner = getattr(route.app, "app", route.app)
            if hasattr(inner, "url_map"):
                yield from of_flask(inner.url_map, where)
            yield from walk(route.routes, where)
            yield Route("GET", f"{where}/anything")
        elif isinstance(route, WebSocketRoute):
            yield Route("WEBSOCKET", prefix + filled(each.path or "", "{", "}"))
        else:
            for method in each.methods or ("GET",):
                yield Route(method, prefix + filled(each.path or "", "{", "}"))


def of_flask(url_map, prefix: str) -> Iterator[Route]:
    for rule in url_map.iter_rules():
        for method in rule.methods:
            yield Route(method, prefix + filled(rule.rule, "<", ">"))


def filled(path: str, left: str, right: str) -> str:
    """The path with a value for each parameter, `{name:kind}` or `<kind:name>`."""
    parts = path.split(left)
    for number, part in enumerate(parts[1:], 1):
        parameter, rest = part.split(right, 1)
        kinds = [word for word in parameter.split(":") if word in WORDS]
        parts[number] = (WORDS[kinds[0]] if kinds else WORDS["uuid"]) + rest
    return "".join(parts)


def main(server: str) -> None:
    from genfoundry_flows.servers import guard

    app: Any = {"mlflow": guard.mlflow_app, "prefect": guard.prefect_app}[server]()
    while not hasattr(app, "routes"):  # through what stands before the vendor's application
        app = app.app
    print(json.dumps(list(walk(app.routes))))


if __name__ == "__main__":
    main(sys.argv[1])
