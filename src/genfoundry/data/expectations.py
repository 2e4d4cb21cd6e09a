"""Every file says what one kind of data must fulfil, as plain data: tables, and expectations.

`pairs` and `pixels` are parts of `image`, `splits` and `values` of `series`. A suite is a function

    tables(folder, spec, card, policy) -> list[Table]

of a dataset's verified folder. It computes; `stages/validate.py` alone knows Great Expectations, runs the rules and
writes the sentences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import pandas as pd


class Expectation(NamedTuple):
    """One rule on one table.

    `rule` names a class of `great_expectations.expectations`, `settings` are its arguments. `met` and `unmet` are
    sentences; in them `{bad}` of `{of}` rows failed, `{share}` is that in per cent, `{where}` lists them (each row
    formatted by `row`, else by the table's), `{observed}` is what an aggregate came to.

    A warning that more than `tolerance` (a share of the rows) of them raise is critical.
    """

    name: str
    rule: str
    settings: dict[str, Any]
    met: str
    unmet: str
    remedy: str = ""
    severity: Literal["critical", "warning"] = "critical"
    tolerance: float = 1.0
    row: str = ""


class CheckedTable(NamedTuple):
    """Rows, and what is expected of them; `row` formats one of them by its columns and its `{position}`."""

    frame: pd.DataFrame
    suite: tuple[Expectation, ...]
    row: str = "{position}"


def filled(name: str, column: str, what: str) -> Expectation:
    """No cell of `column` is empty: other rules pass on empty cells."""
    return Expectation(
        name, "ExpectColumnValuesToNotBeNull", {"column": column},
        met=f"None of the {what} is empty.", unmet=f"{{bad}} of {{of}} {what} are empty: {{where}}.",
        remedy="build the dataset again",
    )  # fmt: skip


def exactly(name: str, rows: int, what: str) -> Expectation:
    """The table holds `rows` rows: other rules pass on an empty table."""
    return Expectation(
        name, "ExpectTableRowCountToEqual", {"value": rows},
        met=f"{rows:,} {what}, as the card says.", unmet=f"{{observed}} {what}; the card says {rows:,}.",
        remedy="build the dataset again",
    )  # fmt: skip


def agree(name: str, one: str, other: str, row: str) -> Expectation:
    """Two columns of the table are equal in every row."""
    return Expectation(
        name, "ExpectColumnPairValuesToBeEqual", {"column_A": one, "column_B": other},
        met=f"{name.capitalize()}: as the manifest says.", unmet="Arrays and manifest differ: {where}.",
        remedy="build the dataset again", row=row,
    )  # fmt: skip


def literal(text: str) -> str:
    """Text from the data inside a sentence that is formatted."""
    return text.replace("{", "{{").replace("}", "}}")


def printable(name: object) -> str:
    """A name from the data, quoted, with control characters spelt out."""
    text = str(name)
    return f"'{text}'" if text.isprintable() else ascii(text)
