"""What was kept of a user's images, split: each on its side, and on the card what is true of the split."""

from __future__ import annotations

from typing import NamedTuple

from genfoundry.data.listing import Listing
from genfoundry.data.quarantine import IntakeTally, count_reasons
from genfoundry.kinds.image.content import told
from genfoundry.kinds.image.decoded import Decoded
from genfoundry.kinds.image.earlier import Earlier
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.kinds.image.splitting import Member, Plan, Sides, SplitRequest, fraction_for, split
from genfoundry.kinds.image.storage import VAL, ImageExample


class ImagesTaken(NamedTuple):
    """What a folder gave. `policy` says what was done to it, one sentence a step; `rule` is the card's.

    `change` says how it differs from the version before, in images.
    """

    examples: list[ImageExample]
    class_names: tuple[str, ...]
    policy: dict[str, str]
    rule: str = ""
    change: str = ""
    content: dict[str, float] = {}


class Found(NamedTuple):
    """What was seen of all images before one of each was kept: leaks between given splits, what conversion lost."""

    leaked: int
    content: dict[str, float]


def divided(
    kept: list[Decoded], listing: Listing, asked: SplitRequest, tally: IntakeTally, policy: dict[str, str], found: Found
) -> ImagesTaken:
    """Split what was kept, and say on the card what was done, whatever way led to it.

    Raises:
        UserError: see `splitting.split`.
    """
    fraction, anew = fraction_for(asked.test_fraction, asked.before, force=asked.force)
    known, notes = _recognisable(asked, kept)
    if anew:
        known, notes = known and known._replace(rows={}), [*notes, f"split anew with --test-fraction {fraction:g}"]
    names = listing.class_names
    if asked.before and names[: len(asked.before.card.class_names)] != asked.before.card.class_names:
        notes.append("the classes are numbered anew, since one is gone")
    members = [Member(one.key, names[one.file.label] if names else "", one.file.given, one.file.text) for one in kept]
    plan = Plan(fraction, asked.seed, known, asked.force)
    done = split(members, names or ("",), plan, listing.splits)
    policy |= {
        "split": done.sentence,
        "quarantined": count_reasons(tally.quarantined),
        "skipped": count_reasons(tally.skipped),
    }
    notes += [done.note] if done.note else []
    content = found.content if done.rule or not done.same else {}  # a card of before the rule stays as it is
    if done.rule or not done.same:
        policy |= _more(done, listing, found.leaked, notes, asked.before) | told(content)
    return ImagesTaken(_examples(kept, done), names, policy, done.rule, asked.lost or _change(members, known), content)


def _more(done: Sides, listing: Listing, leaked: int, notes: list[str], before: Earlier | None) -> dict[str, str]:
    """What few sets need to say; what was overruled once stays said for as long as the images lie as they did."""
    stays = before.card.policy.get("before", "") if before and done.same else ""
    told = {
        "leaks": f"{leaked} images of a given train or val have the pixels of one in val or test, which alone is kept"
        if leaked
        else "",
        "classes": listing.alike,
        "before": "; ".join(notes) or stays,
    }
    return {step: sentence for step, sentence in told.items() if sentence}


def _recognisable(asked: SplitRequest, kept: list[Decoded]) -> tuple[Earlier | None, list[str]]:
    """The version before, where its images can be known by their pixels, and else why not."""
    if asked.before is None or not kept:
        return None, []
    if not isinstance(asked.before.card.spec, ImageSpec):
        return None, [f"the version before was of kind {asked.before.card.kind}: a new set"]
    was, now = asked.before.card.spec.shape, kept[0].pixels.shape
    if was == now:
        return asked.before, []
    was, now = ("×".join(map(str, shape)) for shape in (was, now))
    return None, [f"images were {was} (channels, height, width) and are {now}, so that none is known again: a new set"]


def _change(members: list[Member], before: Earlier | None) -> str:
    if before is None or not before.rows:
        return ""
    now, was = {one.key for one in members}, before.rows.keys()
    return f"{len(now & was)} images stay, {len(now - was)} come, {len(was - now)} go"


def _examples(kept: list[Decoded], done: Sides) -> list[ImageExample]:
    ordered = sorted(kept, key=lambda one: (one.file.label, one.file.text))
    return [
        ImageExample(
            done.sides[one.key], one.pixels, one.file.label, one.file.text, given=VAL if one.file.given == VAL else ""
        )
        for one in ordered
    ]
