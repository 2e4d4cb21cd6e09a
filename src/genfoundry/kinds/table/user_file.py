"""A user's CSV or Parquet file as a table: typed columns, what says nothing left out, the target found."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportReturnType=false
# (pandas annotates what `frame[column]` gives as a union of all that it could be)

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genfoundry.data.before import Before
from genfoundry.data.quarantine import IntakeTally, RefusedError, as_text
from genfoundry.data.tables import Wanted, read_table
from genfoundry.errors import UserError, closest
from genfoundry.kind import Request, Taken
from genfoundry.kinds.table import storage
from genfoundry.kinds.table.columns import TypedColumn, typed
from genfoundry.kinds.table.disguise import disguised
from genfoundry.kinds.table.division import in_test, row_digests
from genfoundry.kinds.table.take import Options

if TYPE_CHECKING:
    import pandas as pd

MAX_LEVELS = 5000  # of one column
MAX_CLASSES = 100
NEARLY_UNIQUE = 0.5  # share of the filled cells that differ from all others
FEW = 20  # rows in which being unique says nothing
ID_NAME = re.compile(
    r"(?:.*[_ .-])?(?:id|uuid|guid|key)|index|row[_ ]?(?:number|names?|id)|unnamed.*|.+I[dD]", re.DOTALL
)


def take_table(request: Request, tally: IntakeTally) -> Taken:
    """Read a CSV or Parquet file whose first row names its columns. What the version before trained on stays training.

    Args:
        tally: is told of every row that is not used: found = used + quarantined + skipped.

    Raises:
        UserError: anything that would have to be guessed; names the column and the rows.
    """
    path, options = request.path, request.options
    fraction = options.test_fraction or storage.FRACTION
    raw = _rows(path, tally)
    _check_names(options, [str(name) for name in raw.columns])
    table, notes = _typed_rows(raw.drop(columns=list(options.ignore)), options, tally)
    if options.target:
        table = _with_target(table, options, tally)
    tally.check()
    if table.empty:
        raise UserError(f"None of the {tally.total} rows of {path.name} can be used.", expected="at least one row")
    kept, left_out = _telling(table, options)
    warnings = [*notes, *left_out, *_small(kept, options), *disguised(kept, options.target)]
    trained, how = _trained(request.before, kept, fraction)
    examples = storage.TableExamples(kept, options.target, options.positive, fraction, trained)
    policy = _policy(table, kept, options, left_out, f"{fraction:.0%} of the rows to test{how}", tally)
    return Taken((examples,), {"policy": policy | ({"warnings": " ".join(warnings)} if warnings else {})})


def _rows(path: Path, tally: IntakeTally) -> pd.DataFrame:
    """The rows of the file as it holds them; ragged ones and headers that come again are put into quarantine."""

    def ragged(number: int, sentence: str) -> None:
        tally.refuse(f"row {number}", RefusedError("RAGGED", sentence))

    raw = read_table(path, Wanted(ragged=ragged, booleans=True))
    tally.total = len(raw) + len(tally.quarantined)
    again = (raw.astype(str) == [str(name) for name in raw.columns]).all(axis=1).to_numpy()
    for number in raw.index[again]:
        tally.refuse(f"row {number}", RefusedError("HEADER", "it repeats the header"))
    return raw[~again]


def _check_names(options: Options, names: list[str]) -> None:
    given = {"target": (options.target,) if options.target else (), "ignore": options.ignore}
    given |= {"keep": options.keep, "category": options.category}
    for option, columns in given.items():
        if wrong := [name for name in columns if name not in names]:
            raise UserError(f"--{option} '{as_text(wrong[0])}': there is no such column; {closest(wrong[0], names)}")
    if options.target in options.ignore:
        raise UserError(f"--target '{as_text(options.target)}' is in --ignore, too.", remedy="say one of them")
    if options.positive and not options.target:
        raise UserError(f"--positive '{as_text(options.positive)}' without --target.", remedy="name the target")


def _typed_rows(raw: pd.DataFrame, options: Options, tally: IntakeTally) -> tuple[pd.DataFrame, list[str]]:
    """The rows whose cells all fit their columns; the others are put into quarantine, each with its first bad cell."""
    import pandas as pd

    found: dict[str, TypedColumn] = {
        str(name): typed(raw[name], options.na, tally.limit, category=name in options.category) for name in raw.columns
    }
    bad = np.zeros(len(raw), bool)
    for name, column in found.items():
        for row in raw.index[column.bad & ~bad]:
            sentence = f"{as_text(str(raw.loc[row, name]))!r} in column '{as_text(name)}' {column.why}"
            tally.refuse(f"row {row}", RefusedError("MIXED_TYPES", sentence))
        bad |= column.bad
    table = pd.DataFrame({name: column.values for name, column in found.items()}, index=raw.index)
    notes = [f"Column '{as_text(name)}': {column.note}." for name, column in found.items() if column.note]
    return table[~bad], notes


def _with_target(table: pd.DataFrame, options: Options, tally: IntakeTally) -> pd.DataFrame:
    """The rows that have a target, which is text or boolean; whole numbers are classes where they are few.

    Raises:
        UserError: it has one class, too many, or is a number or date; the positive class is not among them.
    """
    name, values = options.target, table[options.target]
    for row in table.index[values.isna()]:
        tally.skip(f"row {row}", "NO_TARGET", f"its '{as_text(name)}' is missing")
    table = table.loc[values.notna()]
    values, said = values.dropna(), f"The target '{as_text(name)}'"
    classes = int(values.nunique())
    if classes < 2:
        only = f"only '{as_text(str(values.iloc[0]))}'" if classes else "no value at all"
        raise UserError(f"{said} has {only}.", expected="two classes or more", remedy="name another --target")
    whole = values.dtype == "float64" and bool((values == values.round()).all())
    if classes > MAX_CLASSES or str(values.dtype).startswith("date") or (values.dtype == "float64" and not whole):
        raise UserError(
            f"{said} has {classes:,} different values.",
            expected=f"2 to {MAX_CLASSES} classes: text, booleans or whole numbers",
            remedy="name another --target, or write classes in place of the numbers",
        )
    table = table.assign(**{name: values.astype("int64").astype(str)}) if whole else table
    labels = sorted(table[name].astype(str).unique())
    if options.positive and options.positive not in labels:
        raise UserError(f"--positive '{as_text(options.positive)}' is no class; {closest(options.positive, labels)}")
    return table


def _telling(table: pd.DataFrame, options: Options) -> tuple[pd.DataFrame, list[str]]:
    """The columns that say something of a row beyond which row it is, and a sentence for each other one.

    Raises:
        UserError: none is left.
    """
    out = {
        str(name): why
        for name in table.columns
        if name != options.target and (why := _silent(table[name], str(name) in options.keep))
    }
    kept = table.drop(columns=list(out))
    if not len(kept.columns.difference([options.target])):
        raise UserError("No column is left to learn from.", expected="; ".join(out.values()))
    return kept, [f"Column '{as_text(name)}' is left out: {why}." for name, why in out.items()]


def _silent(column: pd.Series, asked_for: bool) -> str:
    """Why a column is left out, nothing where it is not."""
    filled = column.dropna()
    distinct = filled.nunique()
    if not len(filled):
        return "all its cells are missing"
    if distinct == 1 and len(filled) == len(column):
        return f"it is '{as_text(str(filled.iloc[0]))}' in every row"
    if asked_for or len(filled) <= FEW:
        return ""
    words, unique = column.dtype == object, distinct == len(filled)
    counted = not words and filled.dtype == "float64" and bool((filled.diff().iloc[1:] == 1).all())
    if unique and (words or counted or (ID_NAME.fullmatch(str(column.name)) and filled.dtype != "boolean")):
        return "it names each row, as an identifier does (--keep takes it nevertheless)"
    if words and distinct > min(MAX_LEVELS, NEARLY_UNIQUE * len(filled)):
        return f"it has {distinct:,} categories in {len(filled):,} cells (--keep takes it nevertheless)"
    return ""


def _small(table: pd.DataFrame, options: Options) -> Iterator[str]:
    """What is too little to learn from, in words."""
    if len(table) < 10 * len(table.columns):
        yield f"{len(table):,} rows are few for {len(table.columns)} columns."
    if options.target:
        counts = table[options.target].astype(str).value_counts()
        if counts.iloc[-1] < 50:
            yield f"Only {counts.iloc[-1]} rows are of the class '{as_text(str(counts.index[-1]))}'."


def _trained(before: Before | None, table: pd.DataFrame, fraction: float) -> tuple[frozenset[bytes], str]:
    """The rows that the version before trained on and the hash alone would test, and in words what becomes of them."""
    if before is None:
        return frozenset(), ""
    old = storage.read(before.folder, "train")
    if sorted(map(str, old.columns)) != sorted(map(str, table.columns)):
        return frozenset(), "; the version before had other columns, so its split is not kept to"
    tested = {row for row, test in zip(row_digests(table), in_test(table, fraction), strict=True) if test}
    kept = tested & {*row_digests(old)}
    return frozenset(kept), "; what the version before trained on is in training" if kept else ""


def _policy(
    table: pd.DataFrame, kept: pd.DataFrame, options: Options, left_out: Sequence[str], how: str, tally: IntakeTally
) -> dict[str, str]:
    again = int(kept.duplicated().sum())
    missing = {str(name): int(kept[name].isna().sum()) for name in kept.columns}
    gaps = ", ".join(f"{count:,} of '{as_text(name)}'" for name, count in missing.items() if count)
    return {
        "rows": f"{tally.total:,} read, {len(table):,} used",
        "columns": f"{len(kept.columns)} used, {len(left_out)} left out as they say nothing of a row, "
        f"{len(options.ignore)} as asked",
        "missing": f"cells that are missing stay so: {gaps or 'none'}",
        "duplicates": f"{again:,} rows repeat another; equal rows are on the same side",
        "split": f"by a hash of a row's cells, {how}",
    }
