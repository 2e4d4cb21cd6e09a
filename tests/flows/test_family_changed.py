"""A family whose shapes changed: its champion does not load, and the remedy, followed, mends it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import cloned, own_projects

ONE_MORE = """
    def __init__(self, spec, config):
        super().__init__(spec, config)
        self.more = torch.nn.Linear(2, 2)
"""


@pytest.mark.slow
@pytest.mark.servers
def test_a_champion_that_no_longer_loads_is_replaced_by_its_remedy(tmp_path: Path) -> None:
    root = own_projects.made(tmp_path)
    cloned.edit(root / "recipes" / "one.yaml", "max_steps: 4,", "max_steps: 300,")
    env = own_projects.environment(root)
    env["PATH"] = f"{_commands(tmp_path / 'bin')}{os.pathsep}{env['PATH']}"
    done = cloned.genfoundry(env, "run", "one", "--no-report")
    assert "PROMOTE" in done.stdout, done.stderr
    family = root / "acme_lab" / "models" / "first.py"
    family.write_text(f"import torch\n{family.read_text()}{ONE_MORE}")

    looked = cloned.genfoundry(env, "doctor", "--deep", "--json")
    assert looked.returncode == 1, looked.stderr
    wrong = [each for each in json.loads(looked.stdout) if "does not load" in each["problem"]]
    assert len(wrong) == 1
    assert "'acme--one' version 1 does not load" in wrong[0]["problem"]
    mended = subprocess.run(["bash", "-c", wrong[0]["remedy"]], cwd=root, env=env, capture_output=True, text=True)
    assert mended.returncode == 0, mended.stderr + mended.stdout
    assert "one on digits is trained anew: acme_lab/models/first.py changed" in mended.stderr
    again = cloned.genfoundry(env, "doctor", "--deep")
    assert "The champion 'acme--one' version 2 is what was registered, and loads." in again.stdout, again.stdout


def _commands(folder: Path) -> Path:
    """A folder with the command `genfoundry`."""
    folder.mkdir()
    script = folder / "genfoundry"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m genfoundry_flows.cli "$@"\n')
    script.chmod(0o755)
    return folder
