"""A user's folder of images, or two of pairs: what may be asked of it, and how it becomes examples."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from genfoundry.data.quarantine import IntakeTally, as_text
from genfoundry.errors import UserError
from genfoundry.kind import Progress, Request, Taken

FORM = "a folder of images"
ITEMS = "files"
MEMORY = ("manifest.csv",)
MULTIPLE, SMALLEST, LARGEST = 4, 8, 256  # of a side, in pixels


class Options(BaseModel):
    """What a user may say of images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    paired: Path | None = Field(default=None, description="the folder that PATH's are to be made from")
    size: int | None = Field(default=None, description="side in pixels", json_schema_extra={"needs": "pixels"})
    test_fraction: float | None = Field(
        default=None, gt=0, lt=1, description="held out for judging; .2, or what the set was split with before"
    )
    ignore_splits: bool = Field(default=False, description="folders named train, test, val give no split; make it here")
    follow_links: bool = Field(default=False, description="read the files and folders that links lead to")
    seed: int = 0


def recognise(path: Path) -> str | None:
    """A folder holds images."""
    return "it is a folder" if path.is_dir() else None


def take(request: Request, tally: IntakeTally, progress: Progress) -> Taken:
    """Read a folder of images, or two of pairs; see `images.take_images` and `pairs.take_pairs`.

    Raises:
        UserError: too much is bad, a class is too small, the folder has no form that is known, or it can't go on from
            the version before.
    """
    options: Options = request.options
    check_size(options)
    from genfoundry.kinds.image import earlier, images, pairs  # read numpy and Pillow
    from genfoundry.kinds.image.splitting import SplitRequest

    asked = SplitRequest(
        options.test_fraction, options.seed, options.ignore_splits, options.follow_links, request.force,
        earlier.read(request.before), request.lost,
    )  # fmt: skip
    if options.paired is None:
        taken = images.take_images(request.path, tally, options.size, asked, progress)
    else:
        taken = pairs.take_pairs(request.path, options.paired, tally, asked, progress)
    card = {"class_names": taken.class_names, "policy": taken.policy, "rule": taken.rule, "content": taken.content}
    return Taken(taken.examples, card | _source(request.path, options.paired), taken.change)


def _source(path: Path, paired: Path | None) -> dict[str, str]:
    """Where pairs came from; of one folder the card says so already."""
    if paired is None:
        return {}
    one, other = (as_text(folder.resolve().name) for folder in (path, paired))
    return {"source": f"user's folder {one}, paired with {other}"}


def check_size(options: Options) -> None:
    """Refuse a side that a network can't take, and one of pairs, which are never resized.

    Raises:
        UserError: not a multiple of 4 from 8 to 256.
    """
    if (size := options.size) is None:
        return
    if options.paired:
        raise UserError(f"--size {size} with --paired: pairs are taken as they are.", remedy="leave out --size")
    if size % MULTIPLE or not SMALLEST <= size <= LARGEST:
        below = min(max(size // MULTIPLE * MULTIPLE, SMALLEST), LARGEST)
        raise UserError(
            f"--size {size} is no size that the networks can take.",
            expected=f"a multiple of {MULTIPLE} from {SMALLEST} to {LARGEST}",
            remedy=f"--size {below}",
        )
