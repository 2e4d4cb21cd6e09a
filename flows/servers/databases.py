"""One PostgreSQL database for both servers: each keeps its tables in a schema of its own.

MLflow and Prefect both name their table of migrations `alembic_version`, so they can't share a schema. The password
may stand in the address, or be left to the variables that every PostgreSQL client reads (`PGPASSWORD`).

As a program, `python -m genfoundry_flows.servers.databases COMMAND …` reads `GENFOUNDRY_DATABASE_URL`, makes the
schemas and becomes the command, with the variables of both servers set.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from typing import TYPE_CHECKING

import click

from genfoundry.errors import UserError

if TYPE_CHECKING:
    import asyncpg
    from sqlalchemy import URL

VARIABLE = "GENFOUNDRY_DATABASE_URL"
EXPECTED = "postgresql://user:password@host:5432/database"
SECONDS = 10
TURN = 8_136_427  # any number: two servers that start at once make the schemas one after the other


def prepare(address: str) -> dict[str, str]:
    """The environment in which `mlflow server` and Prefect's server keep their tables in the database at `address`.

    The schemas `mlflow` and `prefect`, and the extension that Prefect searches by, are made where they are missing.

    Raises:
        UserError: no PostgreSQL address; unreachable, a wrong password, no such database, or no right to make schemas.
    """
    url = parse(address)
    extension = asyncio.run(_prepared(url))
    return {**_mlflow(url), **_prefect(url, extension)}


def parse(address: str) -> URL:
    """The address in parts.

    Raises:
        UserError: it names another kind of database, or no host or database, or asks for more than `sslmode`.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(address.replace("postgres://", "postgresql://", 1))
    except (ArgumentError, ValueError):  # its text would show the password
        raise UserError(f"{VARIABLE} is no address of a database.", expected=EXPECTED) from None
    if url.get_backend_name() != "postgresql":
        raise UserError(f"{VARIABLE} names a '{url.get_backend_name()}' database.", expected=EXPECTED)
    if not url.host or not url.database or set(url.query) - {"sslmode"}:
        found = f"{VARIABLE} is '{shown(url)}'"
        raise UserError(f"{found}.", expected=f"{EXPECTED}, at most with ?sslmode=require behind it")
    return url.set(drivername="postgresql")


def shown(url: URL) -> str:
    """The address as it may be printed: without its password."""
    return url._replace(password=None).render_as_string(hide_password=True)


def where() -> str:
    """The database that `GENFOUNDRY_DATABASE_URL` names, without its password; empty where it is not set."""
    return shown(parse(os.environ[VARIABLE])) if os.environ.get(VARIABLE) else ""


def _mlflow(url: URL) -> dict[str, str]:
    own = url.set(drivername="postgresql+psycopg").update_query_dict({"options": "-csearch_path=mlflow"})
    return {"MLFLOW_BACKEND_STORE_URI": own.render_as_string(hide_password=False)}


def _prefect(url: URL, extension: str) -> dict[str, str]:
    query = {"ssl": url.query["sslmode"]} if "sslmode" in url.query else {}
    own = url.set(drivername="postgresql+asyncpg", query=query)
    path = "prefect" if extension == "prefect" else f"prefect, {extension}"
    return {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": own.render_as_string(hide_password=False),
        "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_SEARCH_PATH": path,
    }


async def _prepared(url: URL) -> str:
    """The schema that holds `pg_trgm`, once everything is there."""
    import asyncpg

    connection = await _connected(url)
    try:
        async with connection.transaction():
            await connection.execute(f"SELECT pg_advisory_xact_lock({TURN})")
            return await _made(connection)
    except asyncpg.InsufficientPrivilegeError as error:
        raise UserError(
            f"The user '{url.username}' may not make schemas in '{url.database}': {error}",
            remedy=f'GRANT CREATE ON DATABASE "{url.database}" TO "{url.username}", as the owner of the database',
        ) from error
    except asyncpg.FeatureNotSupportedError as error:
        raise UserError(
            f"PostgreSQL at {shown(url)} lacks the extension pg_trgm, which Prefect searches by.",
            remedy="install PostgreSQL's contrib package on its host",
        ) from error
    finally:
        await connection.close()


async def _made(connection: asyncpg.Connection) -> str:
    for schema in ("mlflow", "prefect"):
        if not await connection.fetchval("SELECT 1 FROM pg_namespace WHERE nspname = $1", schema):
            await connection.execute(f"CREATE SCHEMA {schema}")
    await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA prefect")
    where = "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
    return str(await connection.fetchval(f"{where} WHERE e.extname = 'pg_trgm'"))


async def _connected(url: URL) -> asyncpg.Connection:
    import asyncpg

    if importlib.util.find_spec("psycopg") is None:
        raise UserError(
            "MLflow needs the driver 'psycopg', which is not installed.", remedy="pip install '.[postgres]'"
        )
    try:
        return await asyncpg.connect(url.render_as_string(hide_password=False), timeout=SECONDS)
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise UserError(
            f"PostgreSQL at {shown(url)} refused the user or the password.",
            remedy=f"correct them in {VARIABLE} (a password's special characters percent-encoded), or in PGPASSWORD",
        ) from error
    except asyncpg.InvalidCatalogNameError as error:
        raise UserError(
            f"PostgreSQL at {url.host} has no database '{url.database}'.", remedy=f"createdb {url.database}"
        ) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        reason = str(error) or f"no answer within {SECONDS} seconds"
        raise UserError(
            f"PostgreSQL at {shown(url)} does not answer: {reason}",
            remedy=f"start it, or correct host and port in {VARIABLE}",
        ) from error


def main(command: list[str]) -> None:
    """Become `command` with the servers' variables set; a user's mistake is a sentence and an exit status."""
    try:
        if not command or not os.environ.get(VARIABLE):
            raise UserError(f"{VARIABLE} is not set, or no command follows.", expected=EXPECTED)
        environment = prepare(os.environ[VARIABLE])
    except UserError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_code)
    os.execvpe(command[0], command, {**os.environ, **environment})


if __name__ == "__main__":
    main(sys.argv[1:])
