"""Where recipes lie: those of the package, of the project, of installed distributions. Only names are read here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

from genfoundry.errors import UserError, closest
from genfoundry.project.gathering import overrides
from genfoundry.project.places import SHIPPED, Place, in_distributions, own_origin, settings
from genfoundry.project.root import NoProject, source_root

SUFFIX = ".yaml"


class RecipeFile(NamedTuple):
    """One recipe: its name, whose it is, and its file; `own` says that it lies in the project."""

    name: str
    origin: str
    path: Path
    own: bool = False

    @property
    def full(self) -> str:
        """Its name with its origin, as in `acme:dcgan`."""
        return f"{self.origin}:{self.name}"


class RecipeFiles(NamedTuple):
    """All recipes by name; more than one file may have one, of which the project's mark may say that the own is meant.

    `lost` tells of entry points of distributions that lead to no folder, a sentence each."""

    files: Mapping[str, tuple[RecipeFile, ...]]
    lost: tuple[str, ...] = ()

    @classmethod
    def of_folder(cls, folder: Path, origin: str = SHIPPED, *, own: bool = False) -> Self:
        """The recipes of one folder; none where there is no such folder."""
        found = (RecipeFile(path.stem, origin, path, own) for path in sorted(folder.glob(f"*{SUFFIX}")))
        return cls({each.name: (each,) for each in found})

    @classmethod
    def known(cls, shipped: Path) -> Self:
        """Those that a user may name in the present project.

        Raises:
            UserError: the mark of the project does not hold.
        """
        found: dict[str, tuple[RecipeFile, ...]] = {}
        folders, places = [(shipped, SHIPPED, False)], in_distributions("recipes")
        folders += [(place.path, place.origin, False) for place in places if place.path]
        if (own := own_folder()) is not None and own != shipped:
            folders.append((own, own_origin(), True))
        for folder, origin, is_own in folders:
            for name, files in cls.of_folder(folder, origin, own=is_own).files.items():
                found[name] = (*found.get(name, ()), *files)
        return cls(found, tuple(_lost(place) for place in places if not place.path))

    @property
    def names(self) -> list[str]:
        """Every name, once."""
        return sorted(self.files)

    def find(self, written: str) -> RecipeFile:
        """The recipe that somebody means by a name, a name with an origin, or the path of its file.

        Raises:
            UserError: there is none (names the closest), or two have the name.
        """
        everything = [each for files in self.files.values() for each in files]
        if written.endswith(SUFFIX):
            return self._at(Path(written), everything)
        origin, _, name = written.rpartition(":")
        found = [each for each in self.files.get(name, ()) if origin in ("", each.origin)]
        if not found:
            raise UserError(
                f"There is no recipe '{written}'; {closest(written, self.names)}",
                remedy=f"genfoundry new recipe {name}   (it writes one that runs)" if not origin else "",
            )
        if len(found) == 1:
            return found[0]
        own = [each for each in found if each.own]
        if own and overrides("recipes", name):
            return own[0]
        raise UserError(
            f"'{written}' is the name of {' and '.join(f'{each.full} ({each.path})' for each in found)}.",
            expected="one recipe a name, since its models are registered under it",
            remedy=f'rename yours, or let it stand for the other: override = ["recipes/{name}"] in the project\'s mark',
        )

    def _at(self, path: Path, everything: list[RecipeFile]) -> RecipeFile:
        for each in everything:
            if each.path.resolve() == path.resolve():
                return self.find(each.name) if len(self.files[each.name]) > 1 else each
        folder = own_folder()
        raise UserError(
            f"{path} is {'no recipe of this project' if path.exists() else 'not there'}.",
            expected=f"a file of {folder}" if folder else "the name of a recipe",
            remedy=f"mv '{path}' '{folder}'/" if folder and path.exists() else "",
        )

    def homes(self) -> dict[str, RecipeFile]:
        """The file of each name; where two have it and none stands for the other, the one that was there first."""
        return {
            name: next((each for each in files if each.own and overrides("recipes", name)), files[0])
            for name, files in self.files.items()
        }


def _lost(place: Place) -> str:
    return (
        f"The recipes '{place.full}' are {place.module}, and there is no such folder.\n"
        f"Remedy: reinstall {place.origin}, whose entry point it is, or uninstall it"
    )


def own_folder() -> Path | None:
    """Where the project's own recipes lie; None outside a project."""
    try:
        return (source_root() / settings().recipes).resolve()
    except NoProject:
        return None
