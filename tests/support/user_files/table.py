"""A CSV of people."""

from pathlib import Path

from support.people import people


def make(home: Path) -> Path:
    """Four hundred of them."""
    people(400).to_csv(home / "people.csv", index=False)
    return home / "people.csv"
