"""A project that was moved or copied: its own store still names the place that it was written at.

MLflow copies the absolute address of an experiment's artifacts into every run and version. After `mv` they lead
nowhere; after `cp -a` they lead into the project that was copied. `origin` finds that out by the addresses, and by a
mark that each project leaves in its state; `adopt` rewrites them. Only the project's own SQLite file is ever rewritten:
of a server's database, or one that the user names, nothing is known.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import unquote

from genfoundry.data import sealed
from genfoundry.errors import UserError
from genfoundry.project.root import project_root, state_path

DATABASE, MARK = "mlflow.db", "root.json"
ARTIFACTS = "/.genfoundry/mlartifacts"
BELOW = (".genfoundry", "mlruns")  # of the root, where MLflow keeps files of runs of ours, and of its own experiment
ADDRESSES = {
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "model_versions": ("source", "storage_location"),
    "logged_models": ("artifact_location",),
}


class Elsewhere(UserError):  # noqa: N818, the user reads its sentence
    """The project's state was written at another place, and still names it."""


def origin() -> Path | None:
    """The other root that this project's state names, where it was moved or copied and not yet adopted."""
    return next(iter(_others()), None)


def _others() -> list[Path]:
    here = project_root()
    return [old for old in dict.fromkeys((*_addressed(), *_marked())) if not _same(old, here)]


def ensure_here() -> None:
    """Leave the mark, where the state names this root.

    Raises:
        Elsewhere: it names another one.
    """
    if old := origin():
        raise elsewhere(old)
    with suppress(OSError, UserError):  # a place that can't be written can be read
        _mark()


def elsewhere(old: Path) -> Elsewhere:
    """The sentence for state that was written at `old`."""
    came = "copied from there" if (old / ".genfoundry").is_dir() else "moved"
    return Elsewhere(
        f"The state in {state_path()} was written at {old}, and names files there: this project was {came}.",
        expected=f"addresses below {project_root()}",
        remedy="genfoundry reconcile",
    )


def adopt() -> list[str]:
    """Rewrite every address of another root to this one, and say so; nothing outside this project is touched.

    Raises:
        UserError: the project's own database can't be written.
    """
    done = []
    for old in _others():
        rewritten = _rewrite_store(old)
        _mark(anew=True)
        done.append(
            f"This project was at {old} and is at {project_root()} now: {rewritten} addresses in its state were "
            "rewritten. Nothing at the old place was touched."
        )
    if state_path().is_dir():
        _mark()
    return done


def _same(old: Path, here: Path) -> bool:
    return old == here or (old.exists() and os.path.samefile(old, here))


def _mark(*, anew: bool = False) -> None:
    if anew or not list(_marked()):
        sealed.write(state_path(MARK), {"root": str(project_root())})


def _marked() -> Iterator[Path]:
    """The root that the mark names; a mark that does not hold names none, and is made anew."""
    if root := sealed.read(state_path(MARK), (), lambda mark: Path(mark["root"]), "it is made anew"):
        yield root


def _addressed() -> Iterator[Path]:
    """The roots below which the addresses in the project's own store lie; none where it can't be read."""
    path = state_path(DATABASE)
    if not path.is_file():
        return
    found: set[str] = set()
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as store:
        for table, column in _columns(store):
            cut = f"instr({column}, '{ARTIFACTS}')"
            rows = store.execute(f"SELECT DISTINCT substr({column}, 1, {cut} - 1) FROM {table} WHERE {cut} > 0")
            found |= {row[0] for row in rows}
    for address in sorted(found):
        path = unquote(address.removeprefix("file://")) if address.startswith("file:///") else address
        if path.startswith("/"):  # an address of another scheme is another machine's
            yield Path(path)


def _columns(store: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """The columns that hold addresses in the release of MLflow that made this store."""
    for table, columns in ADDRESSES.items():
        there = {row[1] for row in store.execute(f"PRAGMA table_info({table})")}
        yield from ((table, column) for column in columns if column in there)


def _rewrite_store(old: Path) -> int:
    """In one transaction, so that a kill leaves all or none."""
    path, count = state_path(DATABASE), 0
    if not path.is_file():
        return 0
    try:
        with closing(sqlite3.connect(path, timeout=60)) as store, store:
            for table, column in list(_columns(store)):
                for before, after in _prefixes(old):
                    count += store.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                        (after, len(before) + 1, len(before), before),
                    ).rowcount
    except sqlite3.Error as error:
        raise UserError(
            f"{path} can't be rewritten: {error}", remedy="let this account write it, then: genfoundry reconcile"
        ) from error
    return count


def _prefixes(old: Path) -> Iterator[tuple[str, str]]:
    """What addresses begin with, as URI and as path, and what they begin with here."""
    here = project_root()
    for name in BELOW:
        yield (old / name).as_uri() + "/", (here / name).as_uri() + "/"
        yield f"{old / name}/", f"{here / name}/"
