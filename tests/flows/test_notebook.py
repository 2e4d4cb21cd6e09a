"""In a notebook: the one of the docs, an interrupt, and the command line below `!`. Real kernels."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from support.kernels import CURSOR, error, kernel, texts

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"
LONG = {"training.max_steps": 100_000, "training.batch_size": 32, "training.snapshot_every": 20}
SHORT = {"training.max_steps": 2}

pytestmark = [pytest.mark.slow, pytest.mark.servers]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A fresh project whose path has a space and an umlaut."""
    folder = tmp_path / "mein prüf projekt"
    folder.mkdir()
    (folder / "genfoundry.toml").write_text('schema = 1\nslug = "acme"\n', encoding="utf-8")
    return folder


@pytest.fixture
def without_project_in_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The kernel is to find its project by itself; returns its home folder."""
    for name in ("GENFOUNDRY_ROOT", "MLFLOW_TRACKING_URI", "PREFECT_API_URL", "PREFECT_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    home = tmp_path / "home"
    home.mkdir()
    return home


def outputs(cell: Any) -> str:
    return json.dumps(cell["outputs"], ensure_ascii=False)


def test_the_notebook_of_the_docs_runs_in_a_fresh_project_and_shows_what_it_says(
    project: Path, without_project_in_environment: Path
):
    book = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in book.cells)  # it is kept without
    NotebookClient(book, timeout=500, kernel_name="python3", resources={"metadata": {"path": str(project)}}).execute()
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    said = "".join(outputs(cell) for cell in cells)
    assert "Traceback" not in said
    assert '"output_type": "error"' not in said
    assert not [code for code in CURSOR if json.dumps(code)[1:-1] in said]
    shown = next(out["data"] for out in cells[1]["outputs"] if "text/html" in out.get("data", {}))["text/html"]
    assert "acme--gan--digits" in shown
    assert "data:image/png;base64," in shown
    assert "<script" not in shown
    printed = "".join(out.get("text", "") for out in cells[1]["outputs"])
    for stage in ("fetch", "validate", "train", "evaluate", "register"):
        assert re.search(rf"^ +\d+ s  gan +{stage} ", printed, re.MULTILINE), printed
    assert not [out for out in cells[1]["outputs"] if out.get("name") == "stderr"]
    assert "(16, 8, 8, 1)" in outputs(cells[3])
    assert "image/png" in outputs(cells[4])
    assert not (project / "mlflow.db").exists()
    assert sorted(path.name for path in project.iterdir()) == [".genfoundry", "data", "genfoundry.toml"]


def test_an_interrupt_ends_a_run_preempted_and_the_kernel_goes_on(project: Path, without_project_in_environment: Path):
    home = without_project_in_environment
    with kernel(project, HOME=str(home)) as cells:
        run = f"import genfoundry\ngenfoundry.run('gan', data='digits', set={LONG!r})"
        ended = cells.cell(run, interrupted_at=" step ")
        name, shown = error(ended)
        assert name == "Interrupted", ended
        assert "File " not in shown  # a sentence, no traceback
        assert "Remedy: " in shown
        assert list(project.glob(".genfoundry/jobs/*/snapshot-*.safetensors"))
        told = cells.cell(
            "from genfoundry import tracking\nfrom genfoundry.tracking.store import client\n"
            "[r.data.tags.get('outcome') for r in client().search_runs([tracking.experiment_id()])]"
        )
        assert "PREEMPTED" in told[-1]["data"]["text/plain"]
        again = cells.cell(f"genfoundry.run('mlp', data='digits', set={SHORT!r}).outcome")
        assert error(again) == ("", ""), texts(again)
        assert "Outcome" in again[-1]["data"]["text/plain"]
    assert not (home / ".prefect").exists()
    assert left_over(project) == []


def left_over(project: Path) -> list[str]:
    """Processes that still work in the project."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == project:
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found


def test_a_cell_that_gives_the_command_shows_plain_lines(project: Path, without_project_in_environment: Path):
    with kernel(project, HOME=str(without_project_in_environment)) as cells:
        shown = texts(cells.cell("!genfoundry run mlp --data digits --set training.max_steps=2"))
        added = texts(cells.cell("!genfoundry data list"))
    assert re.search(r"s  mlp +train +done", shown), shown
    assert not [code for code in CURSOR if code in shown + added]


def test_a_call_below_a_running_event_loop_is_synchronous(project: Path, without_project_in_environment: Path):
    code = (
        "import asyncio, genfoundry\n"
        "async def main():\n"
        f"    return genfoundry.run('mlp', data='digits', set={SHORT!r})\n"
        "result = asyncio.run(main())\n"
        "print(result.outcome, result.version, len(result.model.predict(__import__('numpy').zeros((3, 8, 8, 1)))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"(PROMOTED|HOLD|REJECTED) 1 3", done.stdout.strip())
    assert "\x1b" not in done.stderr
