"""The mark of a project that begins: a file of its own, or a table behind what its `pyproject.toml` says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.version import Version

from genfoundry import __version__
from genfoundry.errors import UserError
from genfoundry.project import mark
from genfoundry.project.mark import JOINT, SCHEMA, Mark
from genfoundry.project.markers import OWN_FILE, SHARED_FILE, file_of

from .changes import Beginning, Change, appended
from .names import ensure_package, ensure_slug, package_of, slug_of

HEADER = re.compile(rb"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*genfoundry[ \t]*\][^\r\n]*(\r?\n|$)", re.MULTILINE)


def marked(root: Path, slug: str = "", package: str = "") -> tuple[Beginning, list[Change]]:
    """What the mark of a folder says or will say, and what is written so that it does.

    Raises:
        UserError: the mark that is there does not hold, or says another slug or package; a name can't be one.
    """
    if slug:
        ensure_slug(slug)
    if package:
        ensure_package(package, root)
    if (path := file_of(root)) is not None:
        return _completed(root, path, slug, package)
    slug = slug or slug_of(root.name)
    said = Mark(requires=requires(), slug=slug, package=package or package_of(slug, root))
    return Beginning(root, said), [_written(root, said)]


def requires() -> str:
    """The releases that a project of this one works with: up to the next that may break what it promised."""
    now = Version(__version__)
    after = f"{now.major + 1}" if now.major else f"0.{now.minor + 1}"
    return f">={now.major}.{now.minor},<{after}"


def _written(root: Path, said: Mark) -> Change:
    shared, why = root / SHARED_FILE, "the project's mark"
    if (root / ".genfoundry").is_dir():
        why += f"; what is registered keeps its name, and new versions are of {said.slug}{JOINT}NAME"
    if not shared.is_file():
        return Change(root / OWN_FILE, f"{_about()}\n{_settings(said)}\n".encode(), why)
    before = shared.read_bytes()
    text = f"\n[tool.genfoundry]\n{_settings(said)}"
    return Change(shared, _sound(shared, before, before + appended(before, text)), why, added=True)


def _about() -> str:
    return "# What this folder is to genfoundry: a project of its own."


def _settings(said: Mark) -> str:
    values = (
        (f"schema = {SCHEMA}", ""),
        (f'requires = "{said.requires}"', ""),
        (
            f'slug = "{said.slug}"',
            "begins each registered name, experiment and deployment; what is registered keeps its",
        ),
        (f'package = "{said.package}"', "its models/, metrics/, datasets/, kinds/ and tasks/ hold your own entries"),
        (f'recipes = "{said.recipes}"', "the folder of your own recipes"),
    )
    width = max(len(value) for value, why in values if why)
    return "\n".join(f"{value:<{width}}  # {why}" if why else value for value, why in values)


def _sound(path: Path, before: bytes, after: bytes) -> bytes:
    """What is to be written, if that is TOML.

    Raises:
        UserError: it is none, since what is there is none, or leaves no place for a table.
    """
    for content in (before, after):
        try:
            tomllib.loads(content.decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            whose = "is no TOML" if content is before else "can't get the table [tool.genfoundry]"
            raise UserError(
                f"{path} {whose}: {error}.", expected="TOML, to which the mark of the project is added",
                remedy="correct it there, then: genfoundry init",
            ) from None  # fmt: skip
    return after


def _completed(root: Path, path: Path, slug: str, package: str) -> tuple[Beginning, list[Change]]:
    """A mark that is there stays as it is, but gets what it does not say yet and somebody chose."""
    said = mark.read(root)
    lines = []
    for key, chosen, before in (("slug", slug, said.slug), ("package", package, said.package)):
        if chosen and before and chosen != before:
            raise UserError(
                f'{path}: {key} = "{before}", and not "{chosen}".',
                expected=f"one {key} for the project; what was registered is under the one that it had",
                remedy=f"leave --{key} out, or change it in {path}",
            )
        if chosen and not before:
            lines.append(f'{key} = "{chosen}"')
    begun = Beginning(root, said.model_copy(update={"slug": slug or said.slug, "package": package or said.package}))
    if not lines:
        return begun, [Change(path, None, "the project's mark is there")]
    before = path.read_bytes()
    after = _sound(path, before, _with(before, "\n".join(lines), shared=path.name == SHARED_FILE))
    return begun, [Change(path, after, f"now says {' and '.join(lines)}", added=True)]


def _with(before: bytes, lines: str, *, shared: bool) -> bytes:
    """A mark with more lines at the head of its table."""
    found = HEADER.search(before) if shared else None
    at = found.end() if found else 0
    if shared and not found:
        return before + appended(before, f"\n[tool.genfoundry]\n{lines}")
    end = b"\r\n" if b"\r\n" in before else b"\n"
    start = end if at and not before[:at].endswith(b"\n") else b""
    return before[:at] + start + lines.encode().replace(b"\n", end) + end + before[at:]
