"""A file that some dataset is built from and no package carries: fetched once, believed only by its checksum."""

from __future__ import annotations

from pathlib import Path

from genfoundry.data import sealed
from genfoundry.errors import UserError
from genfoundry.files import file_digest
from genfoundry.project.root import state_dir
from genfoundry.records import Record


class Download(Record):
    """A pinned file.

    `by_hand` where its owner lets no program fetch it: then `address` is the page that leads to it.
    """

    name: str
    address: str
    md5: str
    by_hand: bool = False

    def fetch(self) -> Path:
        """The file, in `.genfoundry/downloads/`.

        Raises:
            UserError: it is not there and can't be had from here, or it is another file than the pinned one.
        """
        path = state_dir("downloads") / self.name
        if not self.by_hand and not (path.is_file() and file_digest(path, "md5") == self.md5):
            if path.is_file():
                sealed.say(sealed.damage(path, "it is not the pinned file", "it is downloaded anew"))
            self._download(path)
        if not path.is_file():
            raise UserError(f"{path} is missing.", expected=f"md5 {self.md5}", remedy=self._remedy(path))
        if (found := file_digest(path, "md5")) != self.md5:
            raise UserError(f"{path} has md5 {found}.", expected=self.md5, remedy=self._remedy(path))
        return path

    def _download(self, path: Path) -> None:
        import pooch
        import requests

        try:
            pooch.retrieve(self.address, f"md5:{self.md5}", fname=self.name, path=path.parent, progressbar=False)
        except (requests.RequestException, OSError, ValueError) as error:
            raise UserError(f"{self.address} can't be had from here: {error}", remedy=self._remedy(path)) from None

    def _remedy(self, path: Path) -> str:
        return f"get {self.name} from {self.address} on a machine that can, and put it at {path}"
