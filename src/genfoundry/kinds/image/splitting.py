"""To which split an image belongs: as its folder says, as it was before, else by a threshold on its salted hash.

The threshold sees one image alone, so no image changes sides however much a set grows. Sets of before this rule took
the k lowest hashes of each class, and k grew with the class: their images keep their sides.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from genfoundry.data.listing import Reading
from genfoundry.data.walking import some
from genfoundry.errors import UserError
from genfoundry.kinds.image.earlier import Earlier, Place

FRACTION = 0.2  # of test, where nobody says another
GIVEN = "given"  # the rule of a set whose test is a folder of the user's
NEARLY = 0.99  # how surely the number of images that is asked for fills both splits


class SplitRequest(NamedTuple):
    """What the user asks of a set of images, and the version that it goes on from; `lost` says why there is none.

    `force` makes anew what can't go on from there: a split of another fraction, classes of which one is gone.
    """

    test_fraction: float | None = None
    seed: int = 0
    ignore_splits: bool = False
    follow_links: bool = False
    force: bool = False
    before: Earlier | None = None
    lost: str = ""

    @property
    def reading(self) -> Reading:
        """How the folder is to be read."""
        known = self.before.card.class_names if self.before else ()
        return Reading(self.ignore_splits, self.follow_links, known, anew=self.force)


class Plan(NamedTuple):
    """How a set is to be split: the share of test, the salt, and the version before, whose images keep their sides.

    `force` lets a split that is given overrule the side that an image had.
    """

    fraction: float = FRACTION
    seed: int = 0
    before: Earlier | None = None
    force: bool = False

    @property
    def rows(self) -> Mapping[str, Place]:
        """Where each image of the version before lies."""
        return self.before.rows if self.before else {}


class Member(NamedTuple):
    """An image to be split: the sha256 of its pixels, its class and the split that its folder gives, "" for none."""

    key: str
    class_name: str
    given: str
    text: str


class Sides(NamedTuple):
    """The side of each image by its sha256, the rule for the card, and what was done, in words.

    `same` says that all images lie as in the version before; `note` what of it was overruled.
    """

    sides: dict[str, str]
    rule: str
    sentence: str
    same: bool = False
    note: str = ""


def share(key: str, seed: int) -> float:
    """Where the salted hash of an image lies between 0 and 1: below the fraction it is test."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8]) / 2**64


def rule_of(fraction: float, seed: int) -> str:
    """The rule as a card holds it; `fraction_of` reads it."""
    return f"hash < {fraction!r}, seed {seed}"


def fraction_of(before: Earlier) -> float | None:
    """The share of test that a version was split with; None where it was given, or the card does not say."""
    if found := re.fullmatch(r"hash < ([\d.e-]+), seed \d+", before.card.rule):
        return float(found[1])
    found = re.match(r"(\d+)% of each class is test", before.card.policy.get("split", ""))
    return int(found[1]) / 100 if found and not before.card.rule else None


def fraction_for(asked: float | None, before: Earlier | None, *, force: bool) -> tuple[float, bool]:
    """The share of test for new images, and whether the whole set is to be split anew with it.

    Raises:
        UserError: another is asked for than the version before was split with; not with `force`.
    """
    was = fraction_of(before) if before else None
    if asked is None or was is None:
        return asked or was or FRACTION, False
    same = f"{asked:.0%}" == f"{was:.0%}" if before and not before.card.rule else asked == was
    if not (same or force):
        raise UserError(
            f"--test-fraction {asked:g}, and the version before was split with {was:g}: images would change sides.",
            expected="the fraction of before, so that no training image is tested with",
            remedy="leave it out, choose another --name, or split the set anew: --force",
        )
    return (was if same else asked), not same


def split(members: Sequence[Member], classes: Sequence[str], plan: Plan, folders: Mapping[str, str]) -> Sides:
    """Split the images of one set.

    Args:
        classes: their names, [""] of a flat set.
        folders: the split that each of the user's folders gives, by its name; none where nothing is given.

    Raises:
        UserError: a given split moves an image that a version before held on the other side; a class lacks a side.
    """
    has_test = "test" in folders.values()
    fixed = {one.key: _given_side(one.given, has_test) for one in members}
    note = _moved(members, fixed, plan)
    sides = {}
    for key, given in fixed.items():
        was = plan.rows.get(key)
        sides[key] = given or (was.split if was else _threshold(key, plan))
    _check_sides(members, classes, sides, plan, folders)
    rows = {one.key: Place(sides[one.key], one.class_name, "val" if one.given == "val" else "") for one in members}
    if plan.before and rows == plan.rows:
        return Sides(sides, plan.before.card.rule, plan.before.card.policy.get("split", ""), same=True)
    kept = sum(not fixed[key] and side != _threshold(key, plan) for key, side in sides.items())
    sentence = _sentence(members, sides, plan, folders, kept)
    return Sides(sides, GIVEN if has_test else rule_of(plan.fraction, plan.seed), sentence, note=note)


def _given_side(given: str, has_test: bool) -> str:
    """The side that a given split is, "" where the threshold decides: of `train`, where no test is given."""
    if given == "train" and not has_test:
        return ""
    return "train" if given == "val" else given


def _threshold(key: str, plan: Plan) -> str:
    return "test" if share(key, plan.seed) < plan.fraction else "train"


def _moved(members: Sequence[Member], fixed: Mapping[str, str], plan: Plan) -> str:
    rows = plan.rows
    moved = [one.text for one in members if one.key in rows and fixed[one.key] not in ("", rows[one.key].split)]
    if moved and not plan.force:
        raise UserError(
            f"{len(moved)} images lie in another split than in the version before: {some(moved)}.",
            expected="each on its side, so that no image that a model learned from is tested with",
            remedy="put them back, or choose another --name; to keep the split of before: --ignore-splits; to take the "
            "given one: --force",
        )
    return f"{len(moved)} images changed sides, since the given split says so" if moved else ""


def _sentence(
    members: Sequence[Member], sides: Mapping[str, str], plan: Plan, folders: Mapping[str, str], kept: int
) -> str:
    """What is true of the split, whatever way led to it: the same images on the same sides give the same words."""
    parts = []
    for given in ("train", "val", "test"):
        names = [name for name, split in folders.items() if split == given]
        count = sum(one.given == given for one in members)
        marked = ", kept as training images that are marked val" if given == "val" else ""
        parts += [f"{given} from {some(names)} ({count} images{marked})"] if names else []
    given = f"as given: {', '.join(parts)}" if parts else ""
    if "test" in folders.values():
        return given
    count = sum(side == "test" for side in sides.values())
    rule = (
        f"{'a given training' if folders else 'an'} image is test where the hash of its pixels with seed {plan.seed} "
        f"lies below {plan.fraction:g}: {count} of {len(sides)}"
    )
    stay = f"{kept} images are on the other side, as they were before" if kept else ""
    return "; ".join(filter(None, (given, rule, stay)))


def _check_sides(
    members: Sequence[Member], classes: Sequence[str], sides: Mapping[str, str], plan: Plan, folders: Mapping[str, str]
) -> None:
    counts = {name: Counter[str]() for name in classes}
    for one in members:
        counts[one.class_name][sides[one.key]] += 1
    lacking = [name for name, count in counts.items() if len(count) < 2]
    if not lacking:
        return
    name, count = lacking[0], counts[lacking[0]]
    where = f"Class folder '{name}'" if name else "The folder"
    more = f" The same holds of {some(lacking[1:])}." if lacking[1:] else ""
    raise UserError(
        f"{where} gives {count.total()} usable, distinct images: {count['train']} to train on, {count['test']} to test "
        f"with.{more}",
        expected=f"at least 1 to train on and 1 to test with{' in every class' if name else ''}",
        remedy=_remedy(members, counts, plan, folders),
    )


def fewest(fraction: float) -> int:
    """How many images nearly always fill both splits."""
    return max(2, *(math.ceil(math.log(1 - NEARLY) / math.log(1 - side)) for side in (fraction, 1 - fraction)))


def _remedy(
    members: Sequence[Member], counts: Mapping[str, Counter[str]], plan: Plan, folders: Mapping[str, str]
) -> str:
    if "test" in folders.values():
        return "put images of it into both splits, remove it, or let the split be made here: --ignore-splits"
    more = f"give more images of it: {fewest(plan.fraction)} nearly always give both"
    single = min(count.total() for count in counts.values()) < 2
    better = None if plan.rows or folders or single else _better(members, plan.seed)
    return f"--test-fraction {better}, or {more}" if better else more


def _better(members: Iterable[Member], seed: int) -> str | None:
    """The smallest fraction of few digits with which every class has images of both splits."""
    shares: dict[str, list[float]] = {}
    for one in members:
        shares.setdefault(one.class_name, []).append(share(one.key, seed))
    low, high = max(min(each) for each in shares.values()), min(max(each) for each in shares.values())
    for digits in (1, 2, 3):
        fraction = (math.floor(low * 10**digits) + 1) / 10**digits
        if low < fraction <= high and fraction < 1:
            return f"{fraction:g}"
    return None
