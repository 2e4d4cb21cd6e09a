"""From a training's journal to MLflow, in batches and at most once per step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from genfoundry import tracking
from genfoundry.data import sealed
from genfoundry.training import job, journal
from genfoundry.training.journal import Follower

EVERY_SECONDS = 5.0
RETRY_SECONDS = 30.0
MARK = "relayed.json"

MetricRow = tuple[str, float, int, int]


class Relay:
    """Reads the journal of a job and sends its metrics and sample grids to one MLflow run.

    A step that a resumed training does twice is sent once. While the tracker is away, rows wait in the journal.
    """

    def __init__(self, run_id: str, folder: Path) -> None:
        self.run_id, self.folder = run_id, folder
        journal.repair(folder)
        sent = sealed.read(folder / MARK, ("step",), lambda mark: int(mark["step"]), "all is sent to MLflow again")
        self.sent = -1 if sent is None else sent
        self._follower = Follower(folder)
        self._rows: list[MetricRow] = []
        self._grids: list[str] = []
        self._due = 0.0

    def read(self) -> Iterator[dict[str, Any]]:
        """Every new event of the journal, kept for sending on the way."""
        for event in self._follower.read():
            if event.get("step", -1) > self.sent:
                if event["event"] == "metrics":
                    at = int(event["time"] * 1000)
                    self._rows += [(name, value, event["step"], at) for name, value in event["metrics"].items()]
                if event["event"] == "samples":
                    self._grids.append(event["file"])
            yield event

    def send(self) -> None:
        """Send what has gathered, if it is time; a tracker that is away is tried again later."""
        if time.monotonic() < self._due:
            return
        try:
            self.flush()
            tracking.beat(self.run_id)
            self._due = time.monotonic() + EVERY_SECONDS
        except tracking.TrackerDown:
            self._due = time.monotonic() + RETRY_SECONDS

    def flush(self) -> None:
        """Send all that has gathered.

        Raises:
            TrackerDown: the tracker is away; nothing is lost, it is sent by the next call.
        """
        latest = {(name, step): (name, value, step, at) for name, value, step, at in self._rows}
        if latest:
            tracking.log_metrics(self.run_id, list(latest.values()))
        for name in self._grids:
            if picture := _png(self.folder / job.SAMPLES / name):
                tracking.log_files(self.run_id, picture, "samples")
        if latest or self._grids:
            self.sent = max([self.sent, *(step for _, step in latest)])
            sealed.write(self.folder / MARK, {"step": self.sent})
        self._rows, self._grids = [], []

    def finish(self) -> None:
        """Read the journal to its end and send all of it.

        Raises:
            TrackerDown: as `flush`.
        """
        for _ in self.read():
            pass
        self.flush()


def _png(path: Path) -> Path | None:
    from genfoundry.judging.sheet import grid

    pixels = sealed.read_array(path, "that grid of samples is left out")
    if pixels is None:
        return None
    picture = path.with_suffix(".png")
    picture.write_bytes(grid(pixels, columns=8))
    return picture
