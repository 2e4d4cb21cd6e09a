"""Time stamps of a regular series for an axis, from its start and its frequency (pandas' words: `h`, `D`, `MS`)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from genfoundry.report.scales import Tick

SECONDS = {"s": 1, "min": 60, "t": 60, "h": 3600, "d": 86400, "b": 86400, "w": 7 * 86400}
MONTHS = {"m": 1, "ms": 1, "me": 1, "q": 3, "qs": 3, "qe": 3, "y": 12, "ys": 12, "ye": 12, "a": 12, "as": 12}
MOST = 4


def labels(start: str, freq: str, skipped: int, total: int) -> list[Tick]:
    """Up to four ticks along `total` steps, the first of which is step `skipped` after `start`.

    A time or a frequency that is not understood gives plain step numbers.
    """
    if total < 2:
        return []
    places = sorted({round(index * (total - 1) / (MOST - 1)) for index in range(MOST)})
    return [Tick(round(100 * place / (total - 1), 2), _label(start, freq, skipped + place)) for place in places]


def _label(start: str, freq: str, step: int) -> str:
    try:
        first = datetime.fromisoformat(str(start))
    except ValueError:
        return f"step {step}"
    found = re.match(r"(\d*)([A-Za-z]+)", str(freq))
    unit, count = (found[2].lower(), int(found[1] or 1) * step) if found else ("", 0)
    try:
        if unit in SECONDS:
            moment = first + timedelta(seconds=SECONDS[unit] * count)
            return f"{moment:%d %b %H:%M}" if SECONDS[unit] < 86400 else f"{moment:%d %b %Y}"
        if unit in MONTHS:
            months = first.year * 12 + first.month - 1 + MONTHS[unit] * count
            moment = first.replace(year=months // 12, month=months % 12 + 1, day=1)
            return f"{moment:%Y}" if MONTHS[unit] == 12 else f"{moment:%b %Y}"
    except (OverflowError, ValueError):
        pass
    return f"step {step}"
