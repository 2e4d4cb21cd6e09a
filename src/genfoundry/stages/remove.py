"""Remove: take a dataset out of the project. The registry and DVC's history stay true; what it trained is named."""

from __future__ import annotations

import shutil
from typing import NamedTuple

from genfoundry import catalog, tracking
from genfoundry.data.building import embedded, is_sealed, writing_data
from genfoundry.data.versions import dvc, leaving
from genfoundry.dataset import folder_digest, read_card
from genfoundry.errors import UserError, closest
from genfoundry.files import megabytes, size_of
from genfoundry.project.root import data_dir, state_path

TAG = "withdrawn"  # of a registered version that was trained on data that were withdrawn


class Removal(NamedTuple):
    """A dataset that is to go: what it is, which registered versions were trained on it, and how it comes back."""

    name: str
    digests: tuple[str, ...]
    bytes: int
    what: str
    trained: tuple[tuple[str, int], ...]
    back: str


def plan(name: str) -> Removal:
    """What removing a dataset takes away. Changes nothing.

    Raises:
        UserError: there is no such dataset; names the closest.
    """
    recorded, folder = dvc.recorded(), data_dir() / name
    if name not in recorded and not folder.is_dir():
        raise UserError(f"There is no dataset '{name}' here; {closest(name, {*recorded, *dvc.present()})}")
    here = read_card(folder) if is_sealed(folder) else None
    digests = [recorded[name]] if name in recorded else []
    digests += [folder_digest(folder)] if here else []
    counts = ", ".join(f"{count:,} {split}" for split, count in here.counts.items()) if here else "not on this machine"
    return Removal(
        name=name,
        digests=tuple(dict.fromkeys(digests)),
        bytes=size_of(folder),
        what=f"{here.title or here.kind}: {counts}" if here else counts,
        trained=tuple(_trained(name)),
        back=_back(name, recorded.get(name)),
    )


def _trained(name: str) -> list[tuple[str, int]]:
    return [
        (model.name, info.version)
        for model in tracking.list_models()
        for info in tracking.list_versions(model.name)
        if info.tags.get("dataset") == name
    ]


def _back(name: str, recorded: str | None) -> str:
    if name in catalog.names("datasets") and embedded(name):
        return f"genfoundry data build {name}"
    if recorded and dvc.is_repository():
        return (
            f"DVC keeps version {recorded} in its cache, and in its remote where it was pushed: "
            "git checkout HEAD -- data.dvc && dvc checkout data.dvc   (before you commit; later: of an older commit)"
        )
    return f"not at all, but from your own files: genfoundry data add PATH --name {name}"


def remove_dataset(removal: Removal, withdrawn: str = "") -> list[str]:
    """Take a dataset out of `data/` and `data.dvc`; says in sentences what was done.

    Args:
        withdrawn: why its data may not be used any more: the versions trained on it are tagged, and its digests are
            refused from now on.
    """
    name, said = removal.name, []
    if withdrawn:
        for model, version in removal.trained:
            tracking.set_version_tags(model, version, {TAG: withdrawn})
            said.append(f"{model} version {version} is tagged: {TAG}")
    if sentence := leaving.unrecord(name):
        said.append(sentence)
    leaving.note_removed(name, list(removal.digests), withdrawn)
    with writing_data():
        shutil.rmtree(data_dir() / name, ignore_errors=True)
    for digest in removal.digests:
        for kept in ("datasets", "cards"):
            shutil.rmtree(state_path(kept, digest), ignore_errors=True)
    said.append(f"'{name}' is gone from data/ ({megabytes(removal.bytes)}).")
    if withdrawn and dvc.is_repository():
        said.append("DVC's cache and remote still hold its files; to delete all that data.dvc does not name: "
                    "dvc gc --workspace --cloud")  # fmt: skip
    return said
