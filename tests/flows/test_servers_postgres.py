"""`make up` with both servers on one PostgreSQL: a triggered run, and eight fleets' metrics at once."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from support.services import postgres_cluster
from support.sites import HERE, OVER, Site, left_over

pytestmark = [pytest.mark.slow, pytest.mark.servers]

STREAMS, BATCHES, ROWS = 8, 25, 40
WRITER = """
import sys
from genfoundry import tracking
number = int(sys.argv[1])
run = tracking.start_run(f"stream-{number}", recipe="tiny", tags={}, params={}, dataset=DATA)
for begin in range(0, BATCHES * ROWS, ROWS):
    rows = [("train/loss", float(number), step, 1000 + step) for step in range(begin, begin + ROWS)]
    tracking.log_metrics(run, rows)
print(run)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with postgres_cluster() as address:
        made = Site(tmp_path_factory.mktemp("postgres"), GENFOUNDRY_DATABASE_URL=address)
        try:
            made("up")
            yield made
        finally:
            made("down")
        assert left_over(made.root) == []


def test_a_triggered_run_ends_with_a_version(site):
    assert "postgresql://postgres@127.0.0.1" in site("servers")
    state = site.ended(site.trigger("retrain/retrain-nightly", {"recipes": ["gan"], "overrides": OVER}))
    assert state["type"] == "COMPLETED", (state, site.log("worker"))
    listed = json.loads(site("registry", "list", "--json"))
    assert [row["name"] for row in listed] == ["gan-digits"]
    assert not (site.root / ".genfoundry" / "mlflow.db").exists()


def test_eight_streams_at_once_lose_no_point(site):
    head = f"from support.tracked import DATA\nBATCHES, ROWS = {BATCHES}, {ROWS}\n"
    env = {**site.env, "PYTHONPATH": str(HERE / "tests"), "MLFLOW_TRACKING_URI": site.address("mlflow")}
    writers = [
        subprocess.Popen([sys.executable, "-c", head + WRITER, str(number)], env=env, stdout=subprocess.PIPE, text=True)
        for number in range(STREAMS)
    ]
    runs = [writer.communicate(timeout=240)[0].split()[-1] for writer in writers]
    for number, run in enumerate(runs):
        found = site.points(run, "train/loss")
        assert sorted(each["step"] for each in found) == list(range(BATCHES * ROWS))
        assert {each["value"] for each in found} == {number}
