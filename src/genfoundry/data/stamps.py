"""Time stamps as people write them, in UTC, and the zone that they came in, so that answers can be given in it.

A zone is the text of a UTC offset (`+01:00`), the name of a zone (`Europe/Berlin`), or empty where times had none.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from genfoundry.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5
UTC_OFFSET = r"(?:Z|[+-]\d\d(?::?\d\d)?)$"
HAS_ZONE = rf"[T ]\d\d.*{UTC_OFFSET}"
CONVERTED, NAIVE = "converted to UTC", "without a time zone, taken as UTC"
PARTS = re.compile(r"([+-])(\d\d):?(\d\d)?(?::(\d\d))?")


class Times(NamedTuple):
    """Time stamps as datetime64[us] in UTC, and the zone that they were given in."""

    stamps: pd.Series
    zone: str

    @property
    def how(self) -> str:
        """What was done to them, in words."""
        return CONVERTED if self.zone else NAIVE


def listed(cells: Any) -> str:
    """The first bad cells of a column, as `row 7: 'abc', row 9: ''`."""
    shown = ", ".join(f"row {row}: {cell!r}" for row, cell in cells.iloc[:SHOWN].items())
    return shown + (f", … ({len(cells)} in all)" if len(cells) > SHOWN else "")


def times(column: pd.Series) -> Times:
    """Read a column `ds`: time stamps, or text in ISO 8601.

    The zone of a column of one type is that type's; of text it is the offset behind its last moment, since offsets
    change with the seasons.

    Raises:
        UserError: some do not parse, or some have a time zone and others none.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        raise UserError(f"Column 'ds' is of type {column.dtype}.", expected="time stamps, or text such as 2026-01-31")
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        stamps = _checked(column, column.dt.tz_convert("UTC").dt.tz_localize(None))
        return Times(stamps, _zone_of(column.dtype.tz, column.iloc[_latest(stamps)]))
    if pd.api.types.is_datetime64_dtype(column.dtype):
        return Times(_checked(column, column), "")
    text = column.astype("string").str.strip().fillna("")
    zoned = text.str.contains(HAS_ZONE, regex=True)
    if zoned.any() and not zoned.all():
        one, other = listed(text[zoned].iloc[:1]), listed(text[~zoned].iloc[:1])
        raise UserError(
            f"Column 'ds' has a time zone in {one}, and none in {other}.",
            expected="a time zone in every row, or in none",
        )
    stamps = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    stamps = _checked(column, stamps)
    return Times(stamps, _offset_behind(text.iloc[_latest(stamps)]) if zoned.any() else "")


def _latest(stamps: pd.Series) -> int:
    return int(stamps.to_numpy().argmax())


def _checked(column: pd.Series, stamps: pd.Series) -> pd.Series:
    if (bad := stamps.isna()).any():
        raise UserError(
            f"Column 'ds' is no time in {listed(column[bad])}.",
            expected="ISO 8601, as 2026-01-31 or 2026-01-31T13:00 (day and month can't be told apart in 01/02/2026)",
        )
    return stamps.astype("datetime64[us]")


def _zone_of(zone: tzinfo, last: datetime) -> str:
    """A zone's name, or its offset at the last moment where it has none."""
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    return name if name and name != "UTC" else _spelt(last.utcoffset() or timedelta())


def _offset_behind(text: str) -> str:
    match = re.search(UTC_OFFSET, text)
    word = match[0] if match else "Z"
    return "+00:00" if word == "Z" else _spelt(_parsed(word))


def _spelt(offset: timedelta) -> str:
    minutes, seconds = divmod(abs(round(offset.total_seconds())), 60)
    text = f"{'-' if offset < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{seconds:02}" if seconds else text


def _parsed(offset: str) -> timedelta:
    match = PARTS.fullmatch(offset)
    if match is None:
        raise UserError(f"'{offset}' is no UTC offset.", expected="one such as +01:00")
    sign, hours, minutes, seconds = match.groups()
    size = timedelta(hours=int(hours), minutes=int(minutes or 0), seconds=int(seconds or 0))
    return -size if sign == "-" else size


def as_tzinfo(zone: str) -> tzinfo:
    """The zone that a text names; not for the empty one.

    Raises:
        UserError: this machine knows no such zone.
    """
    if zone[:1] in "+-":
        return timezone(_parsed(zone))
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise UserError(
            f"This machine knows no time zone '{zone}'.", remedy="install the package tzdata, which lists all zones"
        ) from None


def in_zone(stamps: pd.DatetimeIndex, zone: str) -> pd.DatetimeIndex:
    """UTC time stamps without a zone as the same moments in a zone; as they are where it is empty."""
    return stamps.tz_localize("UTC").tz_convert(as_tzinfo(zone)) if zone else stamps
