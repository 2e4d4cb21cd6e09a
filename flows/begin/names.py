"""Names for a project that begins: made from its folder's, so that they are fit and nobody else's."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from genfoundry.errors import UserError
from genfoundry.project.mark import PART
from genfoundry.project.places import SHIPPED, installed, unfit

LONGEST = 40
ENDINGS = ("", "_lab", "_own", "_project", "_models")


def slug_of(text: str) -> str:
    """A slug like that text: its letters and digits, with single dashes; `project` where none is left."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST].strip("-")
    return f"my-{found}" if found == SHIPPED else found or "project"


def ensure_slug(slug: str) -> None:
    """See that a slug that somebody chose can be one.

    Raises:
        UserError: it can't; says which one like it can.
    """
    if not re.fullmatch(PART, slug) or len(slug) > LONGEST or slug == SHIPPED:
        raise UserError(
            f"--slug {slug!r} can't be a slug.",
            expected=f"at most {LONGEST} small letters, digits and single dashes, and not '{SHIPPED}'",
            remedy=f"genfoundry init --slug {slug_of(slug)}",
        )


def package_of(slug: str, root: Path) -> str:
    """A name for the project's own package: that of a package which lies there, else one that nothing else has."""
    stem = slug.replace("-", "_")
    stem = stem if stem.isidentifier() else f"project_{stem}"
    return next((name for name in (stem + ending for ending in ENDINGS) if not why_not(name, root)), f"{stem}_{stem}")


def ensure_package(name: str, root: Path) -> None:
    """See that a name that somebody chose can be the own package's.

    Raises:
        UserError: it can't; says why, and which one like it can.
    """
    if why := why_not(name, root):
        raise UserError(
            f"--package {name!r} {why}.",
            expected="a name of its own, so that one import can mean one thing only",
            remedy=f"genfoundry init --package {package_of(slug_of(name), root)}",
        )


def why_not(name: str, root: Path) -> str:
    """Why a package of the project can't have a name, as half a sentence; empty where it can."""
    if why := unfit(name):
        return why
    other, own = installed(name), (root / name, root / "src" / name)
    if other is not None and other.resolve() not in [folder.resolve() for folder in own]:
        return f"is the name of an installed package, {other}"
    return "is the name of a file there" if (root / name).is_file() else ""
