"""What Python users call, from processes of their own in a fresh project: `genfoundry.run`, `load`, `data`."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PYRIGHT = Path(sys.executable).with_name("pyright")


def python(code: str, folder: Path, home: Path | None = None, *options: str) -> subprocess.CompletedProcess:
    """`python -c` in a folder, with no word of a project in its environment."""
    gone = ("GENFOUNDRY_ROOT", "MLFLOW_TRACKING_URI", "PREFECT_API_URL", "PREFECT_HOME", "DO_NOT_TRACK")
    env = {name: value for name, value in os.environ.items() if name not in gone}
    env |= {"OMP_NUM_THREADS": "1", **({"HOME": str(home)} if home else {})}
    return subprocess.run(
        [sys.executable, *options, "-c", code], cwd=folder, env=env, capture_output=True, text=True, timeout=500
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh project whose path has a space and an umlaut."""
    folder = tmp_path_factory.mktemp("alone") / "mein prüf projekt"
    folder.mkdir()
    (folder / "genfoundry.toml").write_text('schema = 1\nslug = "acme"\n', encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_importing_costs_nothing_and_the_names_are_there_to_be_completed(tmp_path):
    code = (
        "import sys, genfoundry\n"
        "print(sorted(name for name in dir(genfoundry) if name in genfoundry.__all__))\n"
        "print([name for name in ('numpy', 'pydantic', 'genfoundry_flows', 'prefect') if name in sys.modules])\n"
        "from genfoundry.data import sealed\n"
        "print(genfoundry.run.__doc__.splitlines()[0], genfoundry.data.add.__name__, sealed.__name__)\n"
        "print([name for name in ('prefect', 'mlflow', 'torch', 'dvc') if name in sys.modules])\n"
    )
    done = python(code, tmp_path)
    assert done.stderr == ""
    names, early, words, late = done.stdout.splitlines()
    assert names == "['LoadedModel', 'Result', 'data', 'load', 'registered', 'run']"
    assert (early, late) == ("[]", "[]")
    assert words.endswith(" add genfoundry.data.sealed")


def test_an_unknown_name_is_an_attribute_error():
    import genfoundry

    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        _ = genfoundry.runn  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(AttributeError, match="no attribute 'ad'"):
        _ = genfoundry.data.ad  # pyright: ignore[reportAttributeAccessIssue]


def test_outside_a_project_each_call_says_how_to_begin_one_and_nothing_is_made(tmp_path, home):
    empty = tmp_path / "empty"
    empty.mkdir()
    calls = (
        "genfoundry.run('mlp')", "genfoundry.load('mlp')", "genfoundry.registered()", "genfoundry.data.list()",
        "genfoundry.data.build('digits')", "genfoundry.data.add('.', name='x')", "flows.pipeline('mlp')",
    )  # fmt: skip
    code = (
        "import genfoundry\nfrom genfoundry.project.root import NoProject\n"
        "from genfoundry_flows import pipeline as flows\n"
        f"for call in {calls!r}:\n"
        "    try:\n        eval(call)\n"
        "    except NoProject as error:\n        print(call, '->', error.remedy)\n"
    )
    done = python(code, empty, home)
    assert done.returncode == 0, done.stderr
    assert [line.split(" -> ")[0] for line in done.stdout.splitlines()] == list(calls)
    assert all("genfoundry init" in line for line in done.stdout.splitlines())
    assert list(empty.iterdir()) == []
    assert not (home / ".prefect").exists()


def test_mistakes_are_told_before_anything_is_made(project):
    code = (
        "import genfoundry, sys\n"
        "for words in (dict(recipe='mlpp'), dict(recipe='mlp', set={'training.max_step': 3}),\n"
        "              dict(recipe='mlp', data='digitz'), dict(recipe='mlp', budget='small')):\n"
        "    try:\n        genfoundry.run(**words)\n"
        "    except genfoundry.errors.UserError as error:\n        print(error.found)\n"
        "assert 'prefect' not in sys.modules\n"
    )
    done = python(f"import genfoundry.errors\n{code}", project)
    assert done.returncode == 0, done.stderr
    for word in ("'mlp'", "'max_steps'", "'digits'", "budget 'small'"):
        assert word in done.stdout


RUN = """
import genfoundry
result = genfoundry.run("mlp", data="digits", set={"training.max_steps": 2})
print(result.outcome, result.name, result.version, result.verdict.decision, len(result.scores))
print(result._repr_html_())
again = genfoundry.run("mlp", data="digits", set={"training.max_steps": 2})
print(again.outcome, again.version)
for reference in ("mlp--digits", "mlp--digits/1", "acme--mlp--digits"):
    print(genfoundry.load(reference))
try:
    result.samples()
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.slow
@pytest.mark.servers
def test_a_run_from_python_is_the_runs_of_the_command_line(project, home):
    done = python(RUN, project, home)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    first, *html, again, a, b, c, unable, _, _ = done.stdout.splitlines()
    assert re.fullmatch(r"(PROMOTED|HOLD|REJECTED) acme--mlp--digits 1 (PROMOTE|HOLD|REJECT) \d+", first)
    assert again == "SKIPPED 1"
    assert a == b == c == "<acme--mlp--digits version 1, mlp of mlp>"
    assert "makes no samples" in unable
    page = "\n".join(html)
    assert "Accuracy" in page
    assert "data:image/svg+xml;base64," in page
    assert sorted(path.name for path in project.iterdir()) == [".genfoundry", "data", "genfoundry.toml"]
    assert not (home / ".prefect").exists()
    assert not [path for path in home.rglob("*") if path.is_file() and "matplotlib" not in str(path)]


@pytest.mark.slow
@pytest.mark.servers
def test_the_lines_of_a_registered_card_work_as_they_stand(project):
    card = python("import genfoundry; print(genfoundry.load('mlp--digits/1').card)", project)
    block = re.findall(r"```python\n(.*?)```", card.stdout, re.DOTALL)[0]
    done = python(f"{block}\nprint(probabilities.shape)", project)
    assert (done.returncode, done.stdout) == (0, "(1, 10)\n"), done.stderr


@pytest.mark.slow
@pytest.mark.servers
def test_the_python_of_the_readme_works_as_it_stands(project):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    done = python(f"{blocks[0]}\nprint(images.dtype, images.shape)", project)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "uint8 (16, 8, 8, 1)"
    assert not (project / "mlflow.db").exists()


@pytest.mark.slow
@pytest.mark.servers
def test_a_flow_called_from_python_is_quiet_and_keeps_its_state_in_the_project(tmp_path, home):
    (tmp_path / "genfoundry.toml").write_text("schema = 1\n")
    code = (
        "from genfoundry_flows.pipeline import pipeline\n"
        "version = pipeline('mlp', {'dataset.name': 'digits', 'training.max_steps': 2})\n"
        "import os; from prefect.settings import get_current_settings as now\n"
        "print(version.name, now().home, now().server.analytics_enabled, os.environ['MLFLOW_DISABLE_TELEMETRY'])\n"
    )
    done = python(code, tmp_path, home)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"mlp-digits {tmp_path / '.genfoundry' / 'prefect'} False true\n"
    assert (tmp_path / ".genfoundry" / "prefect" / "prefect.db").is_file()
    assert not (home / ".prefect").exists()
    assert not (tmp_path / "mlflow.db").exists()


@pytest.mark.slow
def test_data_are_added_listed_and_built(project, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(40):
        Image.effect_noise((8, 8), 60).save(photos / f"{number}.png")
    code = (
        "import genfoundry\n"
        f"intake = genfoundry.data.add({str(photos)!r}, name='mine', licence='my own')\n"
        "print(intake.counts['used'], intake.version.name)\n"
        "print([row['name'] for row in genfoundry.data.list() if row['name'] == 'mine'])\n"
        "print(genfoundry.data.build('digits').digest)\n"
        "try:\n    genfoundry.data.add('nowhere', name='x')\n"
        "except Exception as error:\n    print(type(error).__name__, error.found)\n"
    )
    done = python(code, project)
    assert done.returncode == 0, done.stderr
    added, listed, built, refused = done.stdout.splitlines()
    assert (added, listed) == ("40 mine", "['mine']")
    assert built.endswith(".dir")
    assert refused == "UserError There is nothing at nowhere."


def test_the_module_is_the_command_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "genfoundry", "--version"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout[:20]) == (0, "genfoundry, version ")
    assert list(tmp_path.iterdir()) == []


TYPED = """
import genfoundry
reveal_type(genfoundry.run)
reveal_type(genfoundry.load("x"))
reveal_type(genfoundry.data.add)
genfoundry.run("mlp", budgt="quick")
"""


@pytest.mark.slow
def test_types_are_seen_by_checkers(tmp_path):
    """As where it is installed: both packages lie side by side, which an editable installation hides from pyright."""
    (tmp_path / "user.py").write_text(TYPED)
    (tmp_path / "site").mkdir()
    import genfoundry_flows

    import genfoundry

    for package in (genfoundry, genfoundry_flows):
        home = Path(package.__file__).resolve().parent
        (tmp_path / "site" / package.__name__).symlink_to(home, target_is_directory=True)
    (tmp_path / "pyrightconfig.json").write_text('{"extraPaths": ["site"], "include": ["user.py"]}')
    command = [PYRIGHT, "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert '"(recipe: str, *, data: str | None = None' in done.stdout, done.stdout
    assert '"LoadedModel"' in done.stdout
    assert "path: str | Path" in done.stdout
    assert 'No parameter named "budgt"' in done.stdout


def test_the_command_that_shows_the_registry_survives_a_path_with_spaces(tmp_path, monkeypatch):
    from genfoundry_flows import reporting

    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path / "mein prüf projekt"))
    *_, address = shlex.split(reporting.in_mlflow())
    assert address == f"sqlite:///{tmp_path}/mein prüf projekt/.genfoundry/mlflow.db"
