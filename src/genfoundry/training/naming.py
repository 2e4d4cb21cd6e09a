"""What the numbers of classes and of series are called: a name is asked for, and the number of a place is the fallback.

The names are published with the weights, so that a number means the same wherever the model is loaded, whatever became
of the data since.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import NamedTuple

from genfoundry.errors import UserError

SHOWN = 12  # ids of series in a sentence; classes are all told


class Chosen(NamedTuple):
    """A class by its number, and what it is called; empty where nobody knows."""

    number: int
    name: str = ""

    def __str__(self) -> str:
        return f"class '{self.name}' (number {self.number})" if self.name else f"class {self.number}"


def choose_class(asked: str | int, names: Sequence[str], count: int) -> Chosen:
    """The class of that name, else of the name that is that number (`02` for 2), else at that place of `count`.

    Raises:
        UserError: there is none, or two names are that number; tells all names.
    """
    word = str(asked).strip()
    same = [name for name in names if _number(name) == _number(word) is not None]
    if word in names or len(same) == 1:
        name = word if word in names else same[0]
        return Chosen(names.index(name), name)
    place = _number(word)
    if len(same) > 1:
        raise UserError(f"'{word}' is the number of {' and '.join(map(repr, same))}.", expected="one of these names")
    if place is None or place >= count:
        numbers = f"number from 0 to {count - 1}"
        called = f"a class by its name, or by its {numbers}: {', '.join(map(repr, names))}"
        unnamed = f"a {numbers}; no names were published with the weights" if count else "data with classes"
        raise UserError(f"There is no class '{word}'.", expected=called if names else unnamed)
    return Chosen(place, names[place] if names else "")


def _number(name: str) -> int | None:
    return int(name) if name.isascii() and name.isdecimal() else None


def unknown_series(asked: Sequence[str], names: Sequence[str]) -> UserError:
    """The sentence for ids that a model never learned."""
    near = get_close_matches(asked[0], names, n=1)
    more = f" (nor {len(asked) - 1} more of those given)" if len(asked) > 1 else ""
    known = ", ".join(map(repr, names[:SHOWN])) + (f", … ({len(names)} in all)" if len(names) > SHOWN else "")
    return UserError(
        f"The model learned no series '{asked[0]}'{more}.",
        expected=f"the unique_id of a series that it was trained on: {known}",
        remedy=f"did you mean '{near[0]}'?" if near else "leave these rows out, or train on data that hold them",
    )
