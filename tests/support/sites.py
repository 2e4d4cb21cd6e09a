"""A checkout of its own with its servers, as `make up` starts them; worked as a user works it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
import xmlrpc.client
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport
from support.services import calm_project, free_port

HERE = Path(__file__).parents[2]
OVER = {"dataset.name": "digits", "training.max_steps": 40, "evaluation.extractor": None, "evaluation.num_samples": 64}
CHROMIUM = "/usr/bin/chromium"
CANARY = "canary-7f3a91"


class Site:
    """A checkout of its own with its servers."""

    def __init__(self, root: Path, **env: str) -> None:
        self.root = root
        calm_project(root)
        own = {"GENFOUNDRY_ROOT": str(root), "OMP_NUM_THREADS": "1", "PREFECT_HOME": str(root / "home")}
        self.ports = {"GENFOUNDRY_MLFLOW_PORT": str(free_port()), "GENFOUNDRY_PREFECT_PORT": str(free_port())}
        secret = {"MLFLOW_TRACKING_USERNAME": "someone", "MLFLOW_TRACKING_PASSWORD": CANARY}
        self.env = {**os.environ, **own, **secret, **self.ports, **env}

    def __call__(self, *words: str, status: int | None = 0) -> str:
        """What `genfoundry WORDS` prints."""
        command = [sys.executable, "-m", "genfoundry_flows.cli", *words]
        done = subprocess.run(command, env=self.env, cwd=self.root, capture_output=True, text=True, timeout=240)
        assert status in (None, done.returncode), done.stdout + done.stderr
        return done.stdout + done.stderr

    def address(self, name: str) -> str:
        """Where a server of this site listens."""
        return f"http://127.0.0.1:{self.ports[f'GENFOUNDRY_{name.upper()}_PORT']}"

    def api(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """What Prefect's server answers; asked again where its SQLite was busy (503), as every client of it does."""
        address = f"{self.address('prefect')}/api{path}"
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(10):
            request = urllib.request.Request(
                address, data=data, headers={"content-type": "application/json"}, method=method
            )
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                if error.code != 503 or attempt == 9:
                    raise
                time.sleep(1)
        raise AssertionError

    def trigger(self, name: str, parameters: dict[str, Any]) -> str:
        """The id of a run, asked for as the button in Prefect's UI asks."""
        deployment = self.api(f"/deployments/name/{name}")
        return self.api(f"/deployments/{deployment['id']}/create_flow_run", {"parameters": parameters})["id"]

    def ended(self, run: str, seconds: float = 180) -> dict[str, Any]:
        """The state of a run that has ended."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.api(f"/flow_runs/{run}")
            if found["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                return found["state"]
            time.sleep(0.5)
        raise AssertionError(f"the run is still {found['state_name']}:\n{self.log('worker')}")

    def runs(self, wanted: str) -> list[dict[str, Any]]:
        """MLflow's runs that match."""
        address = f"{self.address('mlflow')}/api/2.0/mlflow/runs/search"
        body = json.dumps({"experiment_ids": ["1"], "filter": wanted}).encode()
        request = urllib.request.Request(address, data=body, headers={"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer).get("runs", [])

    def points(self, run_id: str, key: str) -> list[dict[str, Any]]:
        """Every point of a metric."""
        query = f"run_id={run_id}&metric_key={key}&max_results=5000"
        address = f"{self.address('mlflow')}/api/2.0/mlflow/metrics/get-history?{query}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            return json.load(answer).get("metrics", [])

    def training(self) -> psutil.Process:
        """The process of a training that has left its first snapshot."""
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            for process in psutil.process_iter(["cmdline"]):
                words = process.info["cmdline"] or []
                folder = (
                    words[words.index("genfoundry.training.trainer") + 1]
                    if "genfoundry.training.trainer" in words
                    else ""
                )
                if str(self.root) in folder and list(Path(folder).glob("snapshot*")):
                    return process
            time.sleep(0.1)
        raise AssertionError(f"no training began:\n{self.log('worker')}")

    def open_runs(self) -> list[str]:
        """Runs of trainings that are not over; the schedule of watch-data may fire at any moment."""
        under_way = {"state": {"type": {"any_": ["RUNNING", "CANCELLING", "PENDING"]}}}
        ours = {"name": {"any_": ["retrain", "fleet", "genfoundry"]}}
        return [run["name"] for run in self.api("/flow_runs/filter", {"flow_runs": under_way, "flows": ours})]

    def without(self, *names: str, seconds: float) -> None:
        """Kill servers, keep supervisord from starting them again for a while, then bring them back."""
        transport = SupervisorTransport(serverurl=f"unix://{self._socket()}")
        supervisor: Any = xmlrpc.client.ServerProxy("http://127.0.0.1", transport).supervisor
        for name in names:
            psutil.Process(self.pid(name)).kill()
            with suppress(xmlrpc.client.Fault):  # it may not have noticed yet, or be between two starts
                supervisor.stopProcess(name)
        time.sleep(seconds)
        for name in names:
            with suppress(xmlrpc.client.Fault):
                supervisor.startProcess(name)

    def _socket(self) -> str:
        text = (self.root / ".genfoundry" / "servers" / "supervisord.conf").read_text()
        return next(line for line in text.splitlines() if line.startswith("file=")).removeprefix("file=")

    def pid(self, name: str) -> int:
        return next(each["pid"] for each in json.loads(self("servers", "--json", status=None)) if each["name"] == name)

    def log(self, name: str) -> str:
        path = self.root / ".genfoundry" / "servers" / f"{name}.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def page(self, url: str) -> str:
        """The page as a browser has it after its scripts ran."""
        assert Path(CHROMIUM).exists(), "Chromium is not on this machine: apt-get install chromium"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=15000", "--dump-dom"]
        command = [CHROMIUM, *options, f"--user-data-dir={self.root}/browser", url]
        return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout


def left_over(root: Path) -> list[psutil.Process]:
    """Processes of the servers of `root`."""
    return [each for each in psutil.process_iter() if _of(each) == str(root / ".genfoundry")]


def _of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("GENFOUNDRY_SERVERS")
    except (psutil.Error, OSError):
        return None
