"""Ingest: data comes in. The catalogue's datasets are built, a user's files are added, and DVC is told of both."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from genfoundry import catalog
from genfoundry.data.before import Before, find
from genfoundry.data.building import build_folder, embedded, is_sealed, place, writing_data
from genfoundry.data.inventory import status
from genfoundry.data.quarantine import Account, Item, as_text
from genfoundry.data.versions import dvc
from genfoundry.dataset import Card, folder_digest, seal
from genfoundry.errors import UserError
from genfoundry.files import data_dir, file_digest
from genfoundry.kinds.image.splitting import FRACTION, Wish
from genfoundry.records import DatasetVersion, Record

log = logging.getLogger(__name__)
Fill = Callable[[Path], DatasetVersion]

__all__ = ["Intake", "add", "build", "build_all", "status"]


class Intake(Record):
    """What came of a user's files: `counts` (found = used + quarantined + skipped), why, and how they were changed.

    `classes` counts the images of each class by split; `change` says how the set differs from the version before.
    """

    version: DatasetVersion
    counts: dict[str, int]
    class_names: tuple[str, ...] = ()
    classes: dict[str, dict[str, int]] = {}
    policy: dict[str, str]
    change: str = ""
    quarantined: tuple[Item, ...]
    skipped: tuple[Item, ...]
    kept: str


def build(name: str, *, force: bool = False) -> DatasetVersion:
    """Build a dataset of the catalogue into `data/<name>`, byte for byte the same each time, and record it in DVC.

    What is there and whole is kept. A build that differs from what `data.dvc` records is said, and recorded only
    with `force`.

    Raises:
        UserError: no such dataset; the folder was changed (names the file); its source is missing; DVC refused.
    """
    return build_all([name], force=force)[0]


def build_all(names: list[str] | None = None, *, force: bool = False) -> list[DatasetVersion]:
    """Build these datasets, by default every one that comes with the installed packages; see `build`."""
    chosen = [name for name in catalog.names("datasets") if embedded(name)] if names is None else names
    versions = [build_folder(name, force=force) for name in chosen]
    for version in versions:
        if not force and (sentence := dvc.difference(version, dvc.recorded().get(version.name))):
            log.warning(sentence)
        else:
            log.log(logging.INFO if dvc.is_repository() else logging.WARNING, dvc.record(version))
    return versions


def add(
    path: Path,
    name: str,
    *,
    paired: Path | None = None,
    licence: str,
    consent: str,
    title: str = "",
    size: int | None = None,
    test_fraction: float | None = None,
    ignore_splits: bool = False,
    follow_links: bool = False,
    max_bad_fraction: float = 0.01,
    seed: int = 0,
    freq: str | None = None,
    season: int | None = None,
    horizon: int | None = None,
    context: int | None = None,
    na: Sequence[str] = (),
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    accept: Callable[[DatasetVersion], object] = lambda version: None,
) -> Intake:
    """Take in a user's folder of images, or a CSV or Parquet file of series; their files are never changed.

    Args:
        paired: images: the folder of the sources that the images of `path` are to be made from, of the same names.
        size: images: side in pixels; None keeps that of a version before, else takes the multiple of 4 nearest to the
            median short side, at most 64.
        test_fraction: above 0, below 1; None is that of a version before, else .2.
        ignore_splits: images: folders named train, test, val … give no split; it is made here.
        follow_links: images: read what links to files and folders lead to.
        max_bad_fraction: 0 to 1; above it nothing is taken.
        freq: series: pandas' name of the frequency; it, `season`, `horizon` and `context` (in steps) are chosen
            from the data where None.
        na: series: cells that stand for a missing value, besides the empty ones and the usual words (`-9999`).
        force: replace a dataset of that name although DVC keeps no copy of it, and make anew what can't go on from it:
            a split of another fraction, or classes of which one is gone.
        progress: called with (steps done, steps in all).
        accept: called with the version once it lies in `data/`; what it raises keeps DVC from recording it.

    Raises:
        UserError: says what is wrong, where, and what to do; `.genfoundry/quarantine/<name>/quarantine.json` lists
            what was bad.
    """
    path, paired = Path(path), paired and Path(paired)
    card = _card(path, paired, name, title, licence, consent)
    for one in (path, paired or path):
        _check_request(one, name, test_fraction, max_bad_fraction)
    if paired and size is not None:
        raise UserError(f"--size {size} with --paired: pairs are taken as they are.", remedy="leave out --size")
    if na and path.is_dir():
        raise UserError(f"--na {na[0]} with a folder: images have no cells.", remedy="leave out --na")
    dvc.prepare()
    before, lost = find(name, force=force)
    account = Account(name, max_bad_fraction, "files" if path.is_dir() else "series")
    progress = progress or (lambda done, total: None)
    try:
        if path.is_dir() or paired:
            wish = Wish(test_fraction, seed, ignore_splits, follow_links, force, before, lost)
            card, fill, change = _images(path, paired, card, account, size, wish, progress)
        else:
            rhythm = (freq, season, horizon, context)
            series = Series(rhythm, test_fraction or FRACTION, tuple(na), before, force)
            card, fill, change = _series(path, card, account, series)
    finally:
        account.write()
    return _keep(card, account, _guarded(name, fill, force), accept, change)


def _keep(card: Card, account: Account, fill: Fill, accept: Callable[[DatasetVersion], object], change: str) -> Intake:
    """Put the dataset in its place, have DVC record it, and say what became of the files."""
    with writing_data():
        version = place(data_dir() / card.name, fill)
    accept(version)
    return Intake(
        version=version,
        counts=account.found,
        class_names=card.class_names,
        classes=_counted(data_dir() / card.name, card),
        policy=card.policy,
        change=change,
        quarantined=tuple(account.quarantined),
        skipped=tuple(account.skipped),
        kept=dvc.record(version),
    )


def _card(path: Path, paired: Path | None, name: str, title: str, licence: str, consent: str) -> Card:
    for field, value in (("licence", licence), ("consent", consent)):
        if not value.strip():
            raise UserError(f"--{field} is empty.", expected="why, and under which terms, the data may be used")
    kind = "image" if path.is_dir() else "series"
    source = f"user's {'folder' if kind == 'image' else 'file'} {as_text(path.resolve().name)}"
    source += f", paired with {as_text(paired.resolve().name)}" if paired else ""
    try:
        return Card(name=name, kind=kind, title=title or name, licence=licence, source=source, consent=consent)
    except ValidationError:
        raise UserError(
            f"'{as_text(name)}' can't name a dataset.",
            expected="letters, digits, points, dashes and underscores, a letter or digit first, at most 128",
            remedy=f"--name {re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('-._')[:128] or 'mydata'}",
        ) from None


def _check_request(path: Path, name: str, test_fraction: float | None, max_bad_fraction: float) -> None:
    if not path.exists():
        raise UserError(
            f"There is nothing at {as_text(path)}.", expected="a folder of images, or a CSV or Parquet file"
        )
    if not (path.is_dir() or path.is_file()):
        raise UserError(f"{as_text(path)} is a pipe, socket or device.", expected="a folder or a regular file")
    if path.resolve().is_relative_to(data_dir()):
        raise UserError(f"{as_text(path)} lies in {data_dir()}, where finished datasets lie.", remedy="move it out")
    if name in catalog.names("datasets"):
        raise UserError(f"'{name}' is a dataset of the catalogue.", remedy="choose another --name")
    if test_fraction is not None and not 0 < test_fraction < 1:
        raise UserError(f"--test-fraction {test_fraction}", expected="above 0 and below 1")
    if not 0 <= max_bad_fraction <= 1:
        raise UserError(f"--max-bad-fraction {max_bad_fraction}", expected="0 to 1")


def _guarded(name: str, fill: Fill, force: bool) -> Fill:
    """Refuse to replace a version that is kept nowhere else."""

    def fill_unless_lost(folder: Path) -> DatasetVersion:
        version, there = fill(folder), data_dir() / name
        if is_sealed(there) and not force and folder_digest(there) not in (version.digest, dvc.kept(name)):
            back = f", bring the recorded version back: dvc checkout --force data/{name}"
            raise UserError(
                f"There is another dataset '{name}' already, and DVC keeps no copy of it.",
                remedy=f"choose another --name{back if dvc.kept(name) else ''}, or replace it with --force",
            )
        return version

    return fill_unless_lost


def _images(
    path: Path, paired: Path | None, card: Card, account: Account, size: int | None, wish: Wish, progress
) -> tuple[Card, Fill, str]:
    from genfoundry.kinds.image import storage
    from genfoundry.kinds.image.images import check_size, take_images  # reads Pillow
    from genfoundry.kinds.image.pairs import take_pairs

    check_size(size)
    taken = (
        take_pairs(path, paired, account, wish, progress)
        if paired
        else take_images(path, account, size, wish, progress)
    )
    card = _filled(
        card, account, class_names=taken.class_names, policy=taken.policy, rule=taken.rule, content=taken.content
    )

    def fill(folder: Path) -> DatasetVersion:
        spec, counts = storage.write(folder, taken.examples, len(taken.class_names))
        return seal(folder, card.model_copy(update={"spec": spec, "counts": counts}))

    return card, fill, taken.change


def _counted(folder: Path, card: Card) -> dict[str, dict[str, int]]:
    """How many images each class has, by split; nothing of a set without classes."""
    if not card.class_names:
        return {}
    import numpy as np

    from genfoundry.kinds.image import storage

    counts = {
        split: np.bincount(storage.read(folder, split).labels, minlength=len(card.class_names))
        for split in storage.SPLITS
    }
    return {name: {split: int(of[n]) for split, of in counts.items()} for n, name in enumerate(card.class_names)}


class Series(NamedTuple):
    """What the user asks of a file of series, and the version that it goes on from."""

    rhythm: tuple[str | None, int | None, int | None, int | None]
    test_fraction: float
    na: tuple[str, ...]
    before: Before | None
    force: bool


def _series(path: Path, card: Card, account: Account, asked: Series) -> tuple[Card, Fill, str]:
    from genfoundry.kinds.series import storage as series
    from genfoundry.kinds.series.take import Wish as Rhythm
    from genfoundry.kinds.series.take import take_series  # reads pandas

    rhythm, before = Rhythm(*asked.rhythm), asked.before
    taken = take_series(path, account, rhythm, asked.test_fraction, before, na=asked.na, anew=asked.force)
    card = _filled(card, account, splits=taken.splits, policy=taken.policy, zone=taken.zone, content=taken.content)

    def fill(folder: Path) -> DatasetVersion:
        spec, counts = series.write(folder, taken.frames, taken.spec, taken.splits)
        filled = card.model_copy(update={"spec": spec, "counts": counts})
        version = seal(folder, _told_as_before(folder, filled, before.card) if before else filled)
        for split in series.SPLITS:
            series.windows(folder, split, spec)
        return version

    return card, fill, ""


def _told_as_before(folder: Path, card: Card, before: Card) -> Card:
    """The card of the version before, where data and words are the same: what a later release says besides (the zone,
    what conversion lost) makes no other version of them."""
    from genfoundry.kinds.series import storage as series

    was = before.files.get(series.FILE)
    policy = {step: sentence for step, sentence in card.policy.items() if step != "precision"}
    same = was and was.md5 == file_digest(folder / series.FILE, "md5") and before.policy == policy
    if same and (before.spec, before.splits, before.zone, before.content) == (card.spec, card.splits, "", {}):
        return card.model_copy(update={"policy": policy, "zone": "", "content": {}})
    return card


def _filled(card: Card, account: Account, **fields) -> Card:
    return card.model_copy(update={"quarantined": len(account.quarantined), **fields})
