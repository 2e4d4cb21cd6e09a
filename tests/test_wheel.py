"""The built wheel, unpacked into an empty folder, gives a working command line, recipes included."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_wheel_carries_what_the_command_line_needs(tmp_path):
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(HERE)]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, timeout=300)
    code = (
        "import genfoundry; from genfoundry_flows import recipes; from genfoundry_flows.cli import main;"
        "print(genfoundry.__file__, recipes.FOLDER, len(recipes.names()));"
        "import sys; sys.argv = ['genfoundry', 'models'];"
        "main()"
    )
    env = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, *table = done.stdout.splitlines()
    assert first.split()[0].startswith(str(site))
    assert first.split()[1].startswith(str(site))
    assert int(first.split()[2]) >= 8
    assert any(line.startswith("deepar") for line in table)
    written = site / "genfoundry_flows" / "templates"
    assert {path.name for path in written.iterdir()} > {"family.py", "recipe.yaml", "kind", "task"}
    assert (written / "kind" / "examples.py").exists()
    for template in ("page.html.j2", "style.css"):
        assert (site / "genfoundry" / "report" / template).exists()
