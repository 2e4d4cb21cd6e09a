"""Both servers' tables in one real PostgreSQL database, and what a wrong address is told."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from genfoundry_flows.servers import databases
from sqlalchemy import make_url
from support.services import await_answer, free_port, mlflow_server, postgres_cluster, process

from genfoundry.errors import UserError

PASSWORD = "s3cr:t/%@ #1"


def query(address: str, *statements: str) -> list:
    async def run() -> list:
        connection = await asyncpg.connect(address)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetch(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(run())


def address_of(cluster: str, database: str, user: str = "keeper", password: str = PASSWORD) -> str:
    url = make_url(cluster).set(database=database, username=user, password=password)
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def cluster():
    """A cluster where the user `keeper` has a password, full of signs that an address must encode."""
    with postgres_cluster() as address:
        rules = Path(query(address, "SHOW hba_file")[0][0])
        rules.write_text("host all keeper,guest 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
        quoted = f"LOGIN PASSWORD '{PASSWORD}'"
        query(address, f"CREATE ROLE keeper {quoted}", f"CREATE ROLE guest {quoted}", "SELECT pg_reload_conf()")
        query(address, "CREATE DATABASE kept OWNER keeper", "SELECT 1")
        yield address


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("sqlite:///x.db", "names a 'sqlite' database"),
        ("postgresql://u:hunter2@host:port/d", "is no address"),
        ("not an address hunter2", "is no address"),
        ("postgresql://u:hunter2@host", "postgresql://u@host"),
        ("postgresql://u:hunter2@host/d?target_session_attrs=any", "sslmode"),
        ("postgresql://u:hunter2@127.0.0.1:9/d", "127.0.0.1:9/d does not answer"),
        ("postgresql://u:hunter2@no.such.host.invalid/d", "no.such.host.invalid/d does not answer"),
    ],
)
def test_a_wrong_address_is_named_and_its_password_is_not(address, said):
    with pytest.raises(UserError, match=said) as caught:
        databases.prepare(address)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("database", "user", "password", "said"),
    [
        ("kept", "keeper", "hunter2", "refused the user or the password"),
        ("kept", "nobody-such", "hunter2", "refused the user or the password"),
        ("missing", "keeper", PASSWORD, "has no database 'missing'"),
        ("kept", "guest", PASSWORD, "The user 'guest' may not make schemas in 'kept'"),
    ],
)
@pytest.mark.slow
def test_what_postgres_refuses_is_a_sentence(cluster, database, user, password, said):
    with pytest.raises(UserError, match=said) as caught:
        databases.prepare(address_of(cluster, database, user, password))
    assert password not in str(caught.value)


@pytest.mark.slow
def test_an_extension_that_is_already_elsewhere_stays_in_reach(cluster):
    query(cluster, "CREATE DATABASE shared OWNER keeper", "SELECT 1")
    address = address_of(cluster, "shared", "postgres", "")
    query(address, "CREATE EXTENSION pg_trgm SCHEMA public", "SELECT 1")
    name = "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_SEARCH_PATH"
    assert databases.prepare(address)[name] == "prefect, public"


@pytest.mark.slow
def test_the_program_makes_the_schemas_and_becomes_the_command(cluster):
    """The password comes from PGPASSWORD; two programs at once don't break each other."""
    query(cluster, "CREATE DATABASE twice OWNER keeper", "SELECT 1")
    url = make_url(cluster).set(database="twice", username="keeper", password=None).render_as_string()
    environment = {**os.environ, "GENFOUNDRY_DATABASE_URL": url, "PGPASSWORD": PASSWORD}
    command = [sys.executable, "-m", "genfoundry_flows.servers.databases", "env"]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for started in both:
        output, _ = started.communicate(timeout=60)
        assert started.returncode == 0
        assert "MLFLOW_BACKEND_STORE_URI=postgresql+psycopg://keeper@" in output
    wrong = subprocess.run(command, env={**environment, "PGPASSWORD": "no"}, capture_output=True, text=True)
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)
    assert "refused the user or the password" in wrong.stderr


@pytest.mark.slow
@pytest.mark.servers
def test_both_servers_keep_their_tables_apart(cluster, tmp_path):
    address = address_of(cluster, "kept")
    environment = databases.prepare(address)
    assert databases.prepare(address) == environment
    port = free_port()
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port), "--no-ui"]
    home = {"PREFECT_HOME": str(tmp_path), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", **environment}
    mlflow = mlflow_server(tmp_path, database=environment["MLFLOW_BACKEND_STORE_URI"])
    with process(command, tmp_path, "prefect", **home) as started, mlflow:
        await_answer(f"http://127.0.0.1:{port}/api/health", started)
        wanted = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_name = ANY("
        found = query(address, f"{wanted}ARRAY['alembic_version', 'flow_run', 'registered_models'])")
    assert {tuple(row) for row in found} == {
        ("mlflow", "alembic_version"),
        ("mlflow", "registered_models"),
        ("prefect", "alembic_version"),
        ("prefect", "flow_run"),
    }
