"""A user's text of numbers."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from genfoundry.data.quarantine import IntakeTally, RefusedError
from genfoundry.kind import Progress, Request, Taken

FORM = "a text of numbers"
ITEMS = "lines"
MEMORY = ()


class Options(BaseModel):
    """What a user may say of numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: float = Field(
        default=1.0, gt=0, description="what each number is multiplied by", json_schema_extra={"needs": "scale"}
    )


def recognise(path: Path) -> str | None:
    """A file whose suffix says so."""
    return "its name ends with .template" if path.suffix == ".template" else None


def take(request: Request, tally: IntakeTally, progress: Progress) -> Taken:
    """Each line that is a number."""
    numbers = []
    for place, line in enumerate(request.path.read_text().splitlines(), 1):
        tally.total += 1
        try:
            numbers.append(request.options.scale * float(line))
        except ValueError:
            tally.refuse(f"line {place}", RefusedError("NO_NUMBER", repr(line)))
        progress(place, place)
    tally.check()
    return Taken(numbers, {"policy": {"scale": f"times {request.options.scale:g}"}})
