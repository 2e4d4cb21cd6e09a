"""The mark of a project, which holds its settings: `genfoundry.toml`, or `[tool.genfoundry]` in its `pyproject.toml`.

A project without a mark is one as before there were marks: every setting has the value that it has here by default.
"""

from __future__ import annotations

import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genfoundry.errors import UserError, closest, explain
from genfoundry.project.markers import FILES, OWN_FILE, SHARED_FILE, file_of, has_table

SCHEMA = 1
JOINT = "--"
"""What joins the parts of a registered name, so that it stands inside none of them."""

PART = r"^[a-z0-9](?:-?[a-z0-9])*$"


class Mark(BaseModel):
    """What a project says of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: int = Field(default=SCHEMA, ge=1, alias="schema", description="the form of the mark")
    requires: str = Field(default="", description="versions of genfoundry that it works with, as in '>=0.1,<0.2'")
    slug: str = Field(
        default="",
        pattern=rf"{PART}|^$",
        max_length=40,
        description="begins each registered name, experiment and deployment: lower-case letters, digits, single dashes",
    )
    package: str = Field(default="", description="the project's own package, beside the mark or in src/")
    recipes: str = Field(default="recipes", description="the folder of the project's own recipes")
    deployments: dict[str, dict[str, Any]] = Field(
        default={},
        description="what differs from the shipped deployments, by name: cron (empty: by hand), timezone, parameters",
    )
    override: tuple[str, ...] = Field(
        default=(), description="shipped entries that own ones of the same name stand for, as in 'models/dcgan'"
    )

    def named(self, name: str) -> str:
        """A name with the project's slug before it, once; the bare name where the project has none."""
        return name if not self.slug or name.startswith(f"{self.slug}{JOINT}") else f"{self.slug}{JOINT}{name}"


def read(folder: Path) -> Mark:
    """What the mark of a project says; the defaults where it has none.

    A key that is unknown is told on stderr, once in a process, and left out: it may be of a release that is newer.

    Raises:
        UserError: both files hold a mark, it is no TOML, a value is out of range, or it is for another release.
    """
    if (path := file_of(folder)) is None:
        return Mark()
    if path.name == OWN_FILE and has_table(folder / SHARED_FILE):
        raise UserError(
            f"{folder} has two marks, {OWN_FILE} and {FILES[1]}.",
            expected="one, so that no setting is said twice",
            remedy=f"remove the table from {SHARED_FILE}, or the file: rm '{path}'",
        )
    try:
        return _parsed(path, path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}, the mark of your project, can't be read: {error.strerror}.") from None


@cache
def _parsed(path: Path, content: bytes) -> Mark:
    """Parsed once in a process, as long as the bytes are the same."""
    table = _table(path, content)
    schema = table.get("schema", SCHEMA)
    requires = table.get("requires", "")
    if isinstance(requires, str):
        _ensure_wanted_release(path, requires)
    if isinstance(schema, int) and schema > SCHEMA:
        raise UserError(
            f"{path}: schema = {schema}: the project is of a newer genfoundry than this one.",
            expected=f"schema = {SCHEMA}",
            remedy=f"pip install --upgrade 'genfoundry{requires}'",
        )
    known = [field.alias or name for name, field in Mark.model_fields.items()]
    for key in sorted({*table} - {*known}):
        sys.stderr.write(f"{path}: unknown key '{key}' is left out; {closest(key, known)}\n")
    try:
        return Mark.model_validate({key: value for key, value in table.items() if key in known})
    except ValidationError as error:
        raise explain(error, Mark, str(path)) from None


def _table(path: Path, content: bytes) -> dict[str, Any]:
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        merge = ", and holds both sides of a merge that git could not finish" if b"\n<<<<<<< " in content else ""
        raise UserError(
            f"{path} is no TOML: {error}{merge}.",
            expected="the mark of your project, whole",
            remedy=f"git -C '{path.parent}' checkout HEAD -- {path.name}   (what you committed; or correct it there)",
        ) from None
    if path.name == OWN_FILE:
        return document
    found = document.get("tool", {}).get("genfoundry", {})
    if not isinstance(found, dict):
        raise UserError(f"{path}: tool.genfoundry is a {type(found).__name__}.", expected="a table")
    return found


def _ensure_wanted_release(path: Path, requires: str) -> None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    from genfoundry import __version__

    try:
        wanted = SpecifierSet(requires)
    except InvalidSpecifier:
        raise UserError(
            f"{path}: requires = {requires!r} says no range of versions.", expected="as in '>=0.1,<0.2'"
        ) from None
    if not wanted.contains(__version__, prereleases=True):
        raise UserError(
            f"{path}: the project requires genfoundry {requires}, and this is {__version__}.",
            remedy=f"pip install 'genfoundry{requires}'",
        )
