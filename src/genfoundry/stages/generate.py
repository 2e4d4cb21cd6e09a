"""Generate: what a registered version makes, each file with where it came from. The same seed gives the same bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from genfoundry import catalog, kind, tracking
from genfoundry.catalog import Entry
from genfoundry.dataset import locate
from genfoundry.errors import UserError, closest
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.model import Model, Upscales
from genfoundry.records import DatasetVersion
from genfoundry.serving.provenance import Provenance
from genfoundry.stages import draw, foresee
from genfoundry.tracking import VersionInfo
from genfoundry.training.naming import Chosen, choose_class

COUNT = 64
REFERENCE = re.compile(r"([^@/]+)(?:@([^@/]+)|/(\d+))?")


class Wishes(NamedTuple):
    """What is asked for. `number` None: 64 images, or as many futures as a served forecast draws."""

    number: int | None = None
    seed: int = 0
    label: str | None = None
    image: Path | None = None
    until: str | None = None


class Generated(NamedTuple):
    """The files that were written, whence they come, and what the reader should know of them."""

    provenance: Provenance
    files: list[Path]
    notes: list[str]


class Ability(NamedTuple):
    """What a wish asks of a family, as the family's source tells it."""

    lacking: str
    has: Callable[[Entry], bool]


SAMPLES = Ability("makes no samples", lambda entry: entry.attributes.get("task") != "classification")
ABILITIES = {
    "label": Ability("takes no class", lambda entry: "label" in str(entry.attributes.get("conditions"))),
    "image": Ability("takes no input image", lambda entry: bool({"complete", "upscale"} & {*entry.methods})),
    "until": Ability("forecasts nothing", lambda entry: entry.attributes.get("task") == "forecasting"),
}


def generate_samples(reference: str, out: Path, wishes: Wishes, *, force: bool = False) -> Generated:
    """Write samples of a registered version into the folder `out`.

    Args:
        reference: `NAME`, its champion or, where it has none, its newest version; `NAME@alias`; `NAME/version`.
        force: write although `out` holds files; those of the same names are replaced.

    Raises:
        UserError: there is no such version, it can't do what is asked, or an input is not what it must be.
    """
    info, notes = find_version(reference)
    checkpoint = tracking.evaluation_of(info).checkpoint
    _refuse(info.name, catalog.describe("models", checkpoint.family), wishes)
    _check_folder(out, force)
    model, data = tracking.load_version(info.name, info.version), checkpoint.dataset
    origin = Provenance(
        model=info.name, version=info.version, weights_sha256=checkpoint.weights_digest,
        dataset=data.name, dataset_digest=data.digest, seed=wishes.seed,
    )  # fmt: skip
    try:
        made = _make(model, data, origin, wishes, out)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise UserError(f"{out} can't be written: {error.strerror}.", expected="a folder of yours") from error
    return made._replace(notes=notes + made.notes)


def _make(model: Model, data: DatasetVersion, origin: Provenance, wishes: Wishes, out: Path) -> Generated:
    spec, notes = model.spec, []
    if isinstance(spec, SeriesSpec):
        future = foresee.foresee(model, spec, data, wishes.until, wishes.number, wishes.seed)
        origin = origin.model_copy(update={"given": future.given})
        return Generated(origin, foresee.write(future.frame, origin, out), future.notes)
    if wishes.image is None:
        chosen, notes = (None, []) if wishes.label is None else _class(wishes.label, model, data)
        label = None if chosen is None else chosen.number
        origin = origin.model_copy(update={"given": "" if chosen is None else str(chosen)})
        make = draw.sampling(model, spec, label)
    else:
        picture = draw.read(wishes.image, spec.channels)
        origin = origin.model_copy(update={"given": f"image sha256 {picture.sha256}"})
        if isinstance(model, Upscales):
            return Generated(origin, [draw.enlarge(model, picture, origin, out)], [])
        make = draw.completing(model, picture)
    return Generated(origin, draw.write(draw.batches(make, wishes.number or COUNT, wishes.seed), origin, out), notes)


def find_version(reference: str) -> tuple[VersionInfo, list[str]]:
    """The version that `reference` names, and what to tell of the choice.

    Raises:
        UserError: there is none; names the closest.
    """
    match = REFERENCE.fullmatch(reference)
    if not match:
        raise UserError(f"'{reference}' names no registered model.", expected="NAME, NAME@alias or NAME/version")
    name, alias, version = match.groups()
    at, known = tracking.aliases(name), tracking.list_versions(name)
    if known and alias and alias not in at:
        raise UserError(f"'{name}' has no alias '{alias}'; {closest(alias, at)}")
    if known and not (alias or version or "champion" in at):
        newest = f"'{name}' has no champion: this is its newest version, {known[0].version}"
        return known[0], [f"{newest}, of which the gate said {known[0].decision or 'nothing'}."]
    return tracking.get_version(name, alias or version or "champion"), []


def _refuse(name: str, entry: Entry, wishes: Wishes) -> None:
    for ability in (SAMPLES, *(ABILITIES[wish] for wish in ABILITIES if getattr(wishes, wish) is not None)):
        if not ability.has(entry):
            raise UserError(
                f"'{name}' ({entry.name}) {ability.lacking}.",
                expected=f"a registered model that does: {', '.join(_able(ability)) or 'there is none yet'}",
                remedy="genfoundry models   (what each family is for)",
            )
    if entry.attributes.get("task") == "super_resolution" and wishes.image is None:
        raise UserError(f"'{name}' ({entry.name}) enlarges an image, and was given none.", remedy="--input image.png")


def _able(ability: Ability) -> list[str]:
    """The registered models whose family has an ability."""
    newest = [tracking.list_versions(model.name)[0] for model in tracking.list_models() if model.versions]
    known = {*catalog.names("models")}
    family = {info.name: info.tags.get("family") for info in newest}
    return [name for name, word in family.items() if word in known and ability.has(catalog.describe("models", word))]


def _check_folder(out: Path, force: bool) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is not a folder.", expected="a folder, which is made where there is none")
    if not force and out.is_dir() and any(out.iterdir()):
        raise UserError(f"{out} is not empty.", expected="a new folder", remedy="--force   (replaces what it writes)")


def _class(asked: str, model: Model, data: DatasetVersion) -> tuple[Chosen, list[str]]:
    """The class of that name, else of that number, and what to tell of the choice.

    The names are those that were published with the weights; of versions that were published without, those on the
    card of the data that they were trained on.

    Raises:
        UserError: there is none.
    """
    if model.spec.num_classes < 2:
        raise UserError(f"'{data.name}' has no classes to ask for.", remedy="leave out --class")
    names, notes = model.names, []
    if not names:
        try:
            names = kind.of(data).storage.names(locate(data), model.spec)
        except UserError:
            lost = "was published without the names of its classes, and its data are not on this machine"
            notes = [f"This version {lost}: {asked} was taken for the number of a class."]
    return choose_class(asked, names, model.spec.num_classes), notes
