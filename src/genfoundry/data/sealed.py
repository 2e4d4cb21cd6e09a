"""Own state that is read back, sealed whole: what does not hold is never believed and ends no command.

A JSON document, and each line of a journal, carries the sha256 of its other members' canonical spelling as the member
`seal`, and stays JSON for every other reader. An array lies in a `.npy` behind the 32 bytes of its sha256.

What a release before the seals wrote is read once, said, and sealed. It has exactly the members that it had then, so a
damaged seal is not taken for a missing one.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from genfoundry.files import DiskFull, canonical_json, digest, write_atomic

if TYPE_CHECKING:
    import numpy as np

SEAL = "seal"
NPY = b"\x93NUMPY"  # how an array of a release before the seals begins
T = TypeVar("T")
log = logging.getLogger(__name__)


class Damaged(Exception):  # noqa: N818, what a file is found to be
    """What was read is not what was written; the message says in half a sentence how that was seen."""


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    """A JSON document with its seal as the last member."""
    plain = json.loads(canonical_json(document))
    return {**document, SEAL: digest(plain)}


def opened(text: str | bytes, before: Collection[str]) -> tuple[dict[str, Any], bool]:
    """The members of a sealed document without its seal, and whether it had one.

    Args:
        before: the members that a document of a release before the seals has, each of them.

    Raises:
        Damaged: it is no JSON object, its seal is not that of its content, or it has neither a seal nor those members.
    """
    try:
        document = json.loads(text)
        if not isinstance(document, dict):
            raise Damaged("it is no JSON object")
        seal = document.pop(SEAL, None)
        found = digest(document)
    except (ValueError, RecursionError):  # no UTF-8, or half a surrogate, too
        raise Damaged("it is no whole JSON" if text else "it is empty") from None
    if seal is None and set(document) != set(before):
        raise Damaged("it carries no seal")
    if seal not in (None, found):
        raise Damaged("its content is not what its seal says")
    return document, seal is not None


def write(path: Path, document: dict[str, Any]) -> Path:
    """Publish a JSON document with its seal."""
    return write_atomic(path, json.dumps(sealed(document), indent=1) + "\n")


def read(path: Path, before: Collection[str], parse: Callable[[dict[str, Any]], T], then: str = "") -> T | None:
    """What `parse` makes of a sealed document; None where there is no file, or one that does not hold, which is said.

    Args:
        before: see `opened`; a document of such a release is said and sealed.
        parse: raises ValueError, KeyError or TypeError where the document is none of its kind.
        then: what becomes of it where it does not hold, as the end of a sentence.
    """
    if not path.exists():
        return None
    try:
        document, had_seal = opened(path.read_bytes(), before)
        found = _parsed(document, parse)
    except (Damaged, OSError) as error:
        say(damage(path, error, then))
        return None
    if not had_seal:
        adopt(path, lambda: write(path, document))
    return found


def _parsed(document: dict[str, Any], parse: Callable[[dict[str, Any]], T]) -> T:
    try:
        return parse(document)
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"it is not what it should be: {str(error).splitlines()[0]}") from None


def damage(path: Path, why: Exception | str, then: str = "") -> str:
    """The sentence for a file that does not hold."""
    return f"{path} is damaged ({why}): {then or 'it is left out'}."


def adopted(path: Path | str) -> str:
    """The sentence for a file of a release before the seals."""
    return f"{path} was written by a release that sealed nothing: it was read as it is, and is sealed from now on."


def adopt(path: Path, write_sealed: Callable[[], object]) -> None:
    """Say that a file of a release before the seals was read, and seal it; where nothing can be written it stays."""
    say(adopted(path))
    with suppress(OSError, DiskFull):
        write_sealed()


def say(sentence: str) -> None:
    """Tell whoever gave the command."""
    log.warning("%s", sentence)


def as_bytes(array: np.ndarray) -> bytes:
    """A sealed array."""
    import numpy as np  # whoever seals documents alone needs no array library

    body = io.BytesIO()
    np.save(body, array, allow_pickle=False)
    return hashlib.sha256(body.getvalue()).digest() + body.getvalue()


def write_array(path: Path, array: np.ndarray) -> Path:
    """Publish an array with its seal."""
    return write_atomic(path, as_bytes(array))


def read_array(path: Path, then: str = "") -> np.ndarray | None:
    """A sealed array; None where there is no file, or one that does not hold, which is said."""
    if not path.exists():
        return None
    try:
        content = path.read_bytes()
        found, had_seal = _array(content)
    except (Damaged, OSError) as error:
        say(damage(path, error, then))
        return None
    if not had_seal:
        adopt(path, lambda: write_array(path, found))
    return found


def _array(content: bytes) -> tuple[np.ndarray, bool]:
    import numpy as np

    had_seal = not content.startswith(NPY)
    body = content[32:] if had_seal else content
    if had_seal and hashlib.sha256(body).digest() != content[:32]:
        raise Damaged("its content is not what its seal says" if content else "it is empty")
    try:
        return np.load(io.BytesIO(body), allow_pickle=False), had_seal
    except (ValueError, EOFError, SyntaxError) as error:
        raise Damaged(f"it is no array: {error}") from None
