"""A YAML document of plain values: bounded, without tags that make objects or aliases that stand for very much."""

from __future__ import annotations

import copy
import functools
from typing import Any

import yaml

from genfoundry.errors import UserError

MAX_BYTES = 64 * 1024  # of a recipe's YAML
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C takes a tenth of the time


def document(text: str, where: str) -> dict[str, Any]:
    """What a document says, the caller's to change; `where` is what it is called in sentences.

    Raises:
        UserError: it is too large, no YAML of plain values, holds an alias, or is no mapping.
    """
    if len(text.encode()) > MAX_BYTES:
        raise UserError(f"{where} has {len(text.encode())} bytes.", expected=f"at most {MAX_BYTES}")
    try:
        document = copy.deepcopy(_read(text))
    except Aliased:
        remedy = "write the value out where it is used"
        raise UserError(f"{where} holds a YAML alias (`*name`).", remedy=remedy) from None
    except yaml.YAMLError as error:
        raise UserError(f"{where} is not YAML: {error}") from None
    if not isinstance(document, dict):
        raise UserError(f"{where} is a {type(document).__name__}.", expected="a mapping of sections")
    return document


class Aliased(yaml.YAMLError):
    """A document in which a value stands for one that is written elsewhere."""


@functools.cache
def _read(text: str) -> Any:
    """What a YAML document says, parsed once in a process.

    Raises:
        Aliased: it holds an alias, so that a few bytes could stand for very much.
        yaml.YAMLError: it is not YAML, or asks for more than plain values.
    """
    loader = LOADER(text)
    try:
        node = loader.get_single_node()
        _ensure_no_alias(node)
        return None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def _ensure_no_alias(root: yaml.Node | None) -> None:
    """See that no node of a document is in two places, as one that an alias names is."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            raise Aliased
        seen.add(id(node))
        children = node.value if isinstance(node, yaml.CollectionNode) else []
        waiting += [part for child in children for part in (child if isinstance(child, tuple) else [child])]
