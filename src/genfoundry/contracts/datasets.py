"""The contract of datasets of a catalogue: a card, and examples that are the same each time."""

from __future__ import annotations

from pathlib import Path

from genfoundry import catalog
from genfoundry.contracts.promise import hold
from genfoundry.data.building import embedded, write_sealed
from genfoundry.dataset import Card, verify


def check(name: str, folder: Path) -> str:
    """Build a dataset twice; one that has to be downloaded is not built.

    Raises:
        BrokenPromise: it does not keep what datasets promise.
        UserError: it can't be imported, or its examples do not agree with its card.
    """
    entry = catalog.module("datasets", name)
    card = getattr(entry, "CARD", None)
    hold(isinstance(card, Card), f"CARD is {card!r}.", "CARD = Card(…), what the data is, whose, under which licence")
    assert isinstance(card, Card)
    hold(card.name == name, f"CARD.name is '{card.name}'.", f"'{name}', as its file is called")
    known = catalog.names("kinds")
    hold(card.kind in known, f"CARD.kind is '{card.kind}'.", f"one of {', '.join(known)}")
    hold(callable(getattr(entry, "examples", None)), "It has no examples().", "what storage.write of its kind takes")
    if not embedded(name):
        return "has a card; it needs a download, so it was not built"
    digests = []
    for home in (folder / "one", folder / "two"):
        home.mkdir(parents=True)
        digests.append(write_sealed(home, card, entry.examples()).digest)
    verify(folder / "one")
    hold(digests[0] == digests[1], f"Built twice it was {digests[0]} and {digests[1]}.", "the same bytes each time")
    return f"is built, the same each time: {_told(folder / 'one')}"


def _told(folder: Path) -> str:
    counts = verify(folder).card.counts
    return ", ".join(f"{count} {split}" for split, count in counts.items())
