"""What the names of folders say: which split, which class, and in which order people sort them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

SPLIT_WORDS = {
    "train": "train", "training": "train", "trn": "train",
    "test": "test", "testing": "test", "tst": "test", "eval": "test", "evaluation": "test",
    "val": "val", "valid": "val", "validation": "val", "dev": "val", "devel": "val", "development": "val",
}  # fmt: skip
FILLERS = frozenset({"set", "sets", "data", "dataset", "split", "image", "images", "img", "imgs", "sample", "samples"})
RANKS = {"test": 0, "val": 1, "train": 2, "": 3}
"""Of an image that lies in several given splits the lowest rank keeps it: what is judged on is never learned from."""


def split_of(name: str) -> str:
    """The split that a folder's name says (`Training`, `test_set`, `val2017`, …): train, val or test; "" for none."""
    words = [word for word in re.findall("[a-z]+", name.lower()) if word not in FILLERS]
    if len(words) != 1:
        return ""
    return SPLIT_WORDS.get(words[0]) or SPLIT_WORDS.get(re.sub("(set|data)$", "", words[0]), "")


def spelt_alike(name: str) -> str:
    """One spelling for names that look the same: composed letters, and no blanks around them."""
    return unicodedata.normalize("NFC", name).strip()


def natural(name: str) -> tuple:
    """Sort as people do: numbers by their value, letters whatever their case; names that are equal so, by code."""
    parts = re.split(r"([0-9]+)", spelt_alike(name).casefold())
    return [(int(part), "") if i % 2 else (-1, part) for i, part in enumerate(parts)], name  # pyright: ignore


def class_of(folder: str, known: Iterable[str]) -> str:
    """The class that a folder is: one that is known by just this name, or by one that looks the same, else its own."""
    known = tuple(known)
    if folder in known:
        return folder
    plain = spelt_alike(folder)
    return next((name for name in known if spelt_alike(name) == plain), plain)


def twins(names: Iterable[str]) -> list[list[str]]:
    """The names that differ in their case only, a list each."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.casefold(), []).append(name)
    return [group for group in alike.values() if len(group) > 1]
