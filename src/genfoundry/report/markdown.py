"""Text of others inside Markdown: it stays text, wherever it is rendered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def plain(text: str) -> str:
    """Text that stays text: no table cell, markup, link or line break of its own."""
    return re.sub(r"([\\`*_{}\[\]<>#|!~])", r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Text as a code span, which pings nobody and links nowhere; fit for a table's cell."""
    words = " ".join(text.split()).replace("|", "\\|")
    fence = _fence(words, 1)
    pad = " " if words[:1] == "`" or words[-1:] == "`" else ""
    return f"{fence}{pad}{words}{pad}{fence}" if words else ""


def block(text: str) -> str:
    """Text as a block of code, its lines kept."""
    fence = _fence(text, 3)
    return f"{fence}text\n{text.rstrip()}\n{fence}"


def _fence(text: str, least: int) -> str:
    return "`" * max(least, *(len(run) + 1 for run in re.findall("`+", text)), 1)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; its cells are Markdown already."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
