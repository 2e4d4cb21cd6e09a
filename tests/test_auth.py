"""Nobody gets in: every route that the servers themselves name, without credentials, by a foreign Host or Origin."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from genfoundry_flows.servers.guard import HEALTH
from support import routes
from support.composed import ROOT, Composed, composed
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from genfoundry.tracking.accounts import ensure_account

pytestmark = [pytest.mark.slow, pytest.mark.servers]
FOREIGN = "evil.example"
CRAFTED = (
    "/health/../api/2.0/mlflow/experiments/search",
    "//health",
    "/health/",
    "/health%2f..%2fapi/2.0/mlflow/users/list",
    "/api/health/../admin/version",
    "/api/health;/admin/version",
    "/static-files/../../etc/passwd",
    "/api//health",
    "/API/health",
)
"""Paths that begin or end like one that is open."""


@pytest.fixture(scope="module")
def servers() -> Iterator[Composed]:
    with composed() as made, pytest.MonkeyPatch.context() as patch:
        for variable, value in made.clients().items():
            patch.setenv(variable, value)
        account = ("training", made.secrets["mlflow_training_password"], made.secrets["mlflow_admin_password"])
        for _ in range(2):  # the second time the account is there, and gets the password anew
            ensure_account(*account)
        assert os.environ["MLFLOW_TRACKING_USERNAME"] == "training"
        yield made


def port(servers: Composed, server: str) -> int:
    return {"mlflow": servers.mlflow_port, "prefect": servers.prefect_port}[server]


def basic(pair: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def right(servers: Composed, server: str) -> dict[str, str]:
    """The header of who may come in."""
    admin = f"admin:{servers.secrets['mlflow_admin_password']}"
    return basic({"mlflow": admin, "prefect": servers.secrets["prefect_auth"]}[server])


def ask(number: int, asked: list[routes.Route], headers: dict[str, str]) -> dict[routes.Route, int]:
    """The status of each route; only a WebSocket is left out."""
    connection, statuses = http.client.HTTPConnection("127.0.0.1", number, timeout=30), {}
    for route in asked:
        if route.method == "WEBSOCKET":
            continue
        connection.request(route.method, route.path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        statuses[route] = answer.status
    connection.close()
    return statuses


@pytest.fixture(scope="module", params=["mlflow", "prefect"])
def server(request) -> tuple[str, list[routes.Route]]:
    """A server, and all that it answers to; as many as are known to be there, so that the list can't be empty."""
    listed = routes.of(request.param)
    assert len(listed) > {"mlflow": 1000, "prefect": 200}[request.param]
    crafted = [routes.Route(method, path) for path in CRAFTED for method in ("GET", "POST")]
    return request.param, [*listed, *crafted]


def test_no_route_answers_without_credentials(servers, server):
    name, asked = server
    statuses = ask(port(servers, name), asked, {})
    answered = {route for route, status in statuses.items() if status != 401}
    assert answered == {route for route in statuses if route.path in HEALTH[name] and route.method in ("GET", "HEAD")}


def test_no_route_answers_wrong_credentials(servers, server):
    name, asked = server
    sampled = [route for route in asked if route.path not in HEALTH[name]][:: len(asked) // 12]
    for wrong in ("admin:wrong", "nobody:", ":", servers.secrets["prefect_auth"][:-1], "training:" + "x" * 5000):
        assert set(ask(port(servers, name), sampled, basic(wrong)).values()) == {401}, wrong
    token = right(servers, name)["Authorization"].split()[1]
    for header in ("", "Basic", "Basic !!!", f"Bearer {token}", f"Basic {token}{token}"):
        assert set(ask(port(servers, name), sampled, {"Authorization": header}).values()) == {401}, header


@pytest.mark.parametrize("foreign", [{"Host": FOREIGN}, {"Origin": f"http://{FOREIGN}"}], ids=str)
def test_no_route_answers_a_foreign_host_or_origin(servers, server, foreign):
    name, asked = server
    statuses = ask(port(servers, name), asked, {**right(servers, name), **foreign})
    assert set(statuses.values()) == {403}


@pytest.mark.parametrize(
    "foreign",
    [
        {"Host": f"127.0.0.1.{FOREIGN}"},
        {"Host": f"{FOREIGN}:5000"},
        {"Host": ""},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},  # another page of the same machine is foreign too
    ],
    ids=str,
)
def test_what_looks_like_ours_is_foreign_too(servers, server, foreign):
    name, asked = server
    sampled = [*asked[:: len(asked) // 12], *(routes.Route("GET", path) for path in HEALTH[name])]
    statuses = ask(port(servers, name), sampled, {**right(servers, name), **foreign})
    assert set(statuses.values()) == {403}


def test_who_may_come_in_does(servers, server):
    name, _ = server
    known = {"mlflow": ("/", "/api/2.0/mlflow/users/list"), "prefect": ("/", "/ui-settings", "/api/admin/version")}[
        name
    ]
    own = {"Origin": {"mlflow": servers.mlflow, "prefect": servers.prefect}[name]}
    asked = [routes.Route("GET", path) for path in known]
    for headers in ({}, own):
        answered = ask(port(servers, name), asked, {**right(servers, name), **headers})
        assert set(answered.values()) == {200}


def test_the_trainings_account_is_no_admin(servers):
    account = basic(f"training:{servers.secrets['mlflow_training_password']}")
    asked = [
        routes.Route("GET", "/api/2.0/mlflow/users/get?username=admin"),
        routes.Route("GET", "/api/2.0/mlflow/roles/list"),
    ]
    assert set(ask(servers.mlflow_port, asked, account).values()) == {403}


def socket_to(servers: Composed, host: str, path: str, **options):
    """A WebSocket to Prefect's server that says it asks for `host`."""
    plain = socket.create_connection(("127.0.0.1", servers.prefect_port), timeout=20)
    return connect(f"ws://{host}{path}", sock=plain, proxy=None, **options)


def websockets(server: tuple[str, list[routes.Route]]) -> list[str]:
    return [route.path for route in server[1] if route.method == "WEBSOCKET"]


@pytest.mark.parametrize("foreign", [{"host": FOREIGN}, {"origin": f"http://{FOREIGN}"}], ids=str)
def test_no_websocket_opens_to_a_foreign_host_or_origin(servers, server, foreign):
    for path in websockets(server):
        with pytest.raises(InvalidStatus) as caught:
            socket_to(servers, path=path, subprotocols=["prefect"], **{"host": "localhost", **foreign})
        assert caught.value.response.status_code == 403


@pytest.mark.parametrize("first", [{"type": "auth", "token": "wrong"}, {"type": "auth"}, {"type": "hello"}], ids=str)
def test_no_websocket_tells_a_stranger_anything(servers, server, first):
    """Prefect asks for its credentials in the first message; whoever has none is shown out before any other."""
    for path in websockets(server):
        with socket_to(servers, "localhost", path, subprotocols=["prefect"]) as opened:
            opened.send(json.dumps(first))
            with pytest.raises(ConnectionClosed) as caught:
                opened.recv(timeout=20)
        assert caught.value.rcvd
        assert caught.value.rcvd.code == 1008, path


def test_a_websocket_without_prefects_protocol_does_not_open(servers, server):
    for path in websockets(server):
        with pytest.raises(InvalidStatus) as caught:
            socket_to(servers, "localhost", path)
        assert caught.value.response.status_code == 403


def test_prefect_asks_at_its_websockets_and_mlflow_has_none(server):
    assert len(websockets(server)) >= {"mlflow": 0, "prefect": 5}[server[0]]
    assert server[0] == "prefect" or not websockets(server)


@pytest.mark.parametrize(
    ("wrong", "command", "said"),
    [
        (
            {"MLFLOW_TRACKING_PASSWORD": "hunter2"},
            ["registry", "list"],
            "does not let in 'training' with this password",
        ),
        ({"MLFLOW_TRACKING_USERNAME": ""}, ["registry", "list"], "does not let in a client without a name"),
        ({"PREFECT_API_AUTH_STRING": "any:hunter2"}, ["run", "gan"], "does not let in these credentials"),
        ({"PREFECT_API_AUTH_STRING": ""}, ["run", "gan"], "does not let in a client without credentials"),
    ],
)
def test_a_command_that_is_not_let_in_says_which_variable(servers, tmp_path, wrong, command, said):
    environment = {**os.environ, **servers.clients(), "GENFOUNDRY_ROOT": str(tmp_path), **wrong}
    program = [sys.executable, "-m", "genfoundry_flows.cli", *command]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 3, done.stderr[-2000:]
    assert said in done.stderr
    assert next(iter(wrong)).rpartition("_")[0] in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_the_admins_password_is_rotated_and_the_old_one_ends(servers):
    """Last: the others use the first one."""
    folder, old = servers.folder / "secrets", basic(f"admin:{servers.secrets['mlflow_admin_password']}")
    script = [str(ROOT / "docker" / "rotate-admin.sh"), str(folder), servers.mlflow]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    new = (folder / "mlflow_admin_password").read_text()
    asked = [routes.Route("GET", "/api/2.0/mlflow/users/list")]
    assert list(ask(servers.mlflow_port, asked, basic(f"admin:{new}")).values()) == [200]
    assert list(ask(servers.mlflow_port, asked, old).values()) == [401]
