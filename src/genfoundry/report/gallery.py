"""What an evaluation has to show: its exhibits and the files that they name, from its folder of the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from genfoundry.exhibit import FILE, Exhibit, Picture, Sound, from_json
from genfoundry.records import Evaluation
from genfoundry.report import before


class Gallery(NamedTuple):
    """Exhibits in their order, and the bytes of files by name."""

    exhibits: tuple[Exhibit, ...]
    files: dict[str, bytes]


def whole(path: Path, parse: Callable[[str], Any]) -> Any:
    """What `parse` makes of a file's text, None where there is no file."""
    return parse(path.read_text(encoding="utf-8")) if path.is_file() else None


def read_gallery(
    folder: Path, evaluation: Evaluation, class_names: Sequence[str], read: Callable[..., Any] = whole
) -> Gallery:
    """The gallery that lies in `folder`; of an evaluation of the releases before exhibits, as `before` makes it.

    Args:
        class_names: of the evaluation's dataset; those releases did not store them.
        read: of a path and a parser makes what the file holds; None where there is none that counts.
    """
    exhibits = read(folder / FILE, from_json)
    if exhibits is None:
        forecasts = read(folder / before.FORECASTS, before.forecasts) or ()
        pictures = before.pictures(sorted(folder.glob("*.png")), evaluation)
        exhibits = (*pictures, *forecasts, *before.of_details(evaluation.details, class_names))
    names = [each.file for each in exhibits if isinstance(each, Picture | Sound)]
    return Gallery(exhibits, {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()})
