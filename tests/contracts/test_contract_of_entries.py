"""An entry of one's own that is none, or breaks a promise, is told so by a sentence with its file; the others go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from genfoundry_flows import checking, new_entries
from genfoundry_flows.cli import cli
from support.own_project import here, own_project

from genfoundry import catalog, metric
from genfoundry.contracts import entries
from genfoundry.errors import UserError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return here(own_project(tmp_path / "project"), monkeypatch)


def family(project: Path, source: str, name: str = "mine") -> Path:
    path = project / "acme_lab" / "models" / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(source)
    return path


def changed(project: Path, was: str, becomes: str) -> Path:
    """The family that `genfoundry new` writes, but for one thing."""
    (path,) = new_entries.write_entry("family", "mine").files
    source = path.read_text()
    assert was in source
    path.write_text(source.replace(was, becomes))
    return path


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("x = (\n", r"does not import: SyntaxError: '\(' was never closed \(line 1\)"),
        ("\n\nraise RuntimeError('no')\n", r"does not import: RuntimeError: no \(line 3\)"),
        ("import sys\nsys.exit(3)\n", r"does not import: SystemExit: 3 \(line 2\)"),
        ("import there_is_none\n", r"ModuleNotFoundError: No module named 'there_is_none' \(line 1\)"),
        ("print('hello')\n", "prints while it is imported: 'hello'"),
        ("import threading\nthreading.Thread(target=threading.Event().wait, args=(5,)).start()\n", "starts 'Thread-"),
        ("from genfoundry.model import Model\n", "holds 0 classes of type Model"),
        (
            "from genfoundry.model import Model\nclass A(Model): pass\nclass B(Model): pass\n",
            "holds 2 classes of type Model: A, B",
        ),
    ],
)
def test_what_is_no_entry_is_told_with_its_file(source: str, says: str, project: Path) -> None:
    path = family(project, source)
    with pytest.raises(UserError, match=says) as told:
        entries.check("models", "acme:mine")
    assert str(path) in told.value.found


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("self.parameters()", "self.decoder.parameters()", "No gradient ever reached encoder.1.weight, "),
        ('"error": error.detach()', '"error": error', "training_step gave error with its gradient"),
        ('return {"error"', 'return {} and {"error"', "training_step gave nothing to log"),
        ("generator=generator)", ")", "sample gave something else for the same seed"),
        ("z = torch.randn(len(like)", "z = 0 * torch.randn(len(like)", "sample gave the same for another seed"),
        ("self.decoder(z).view", "(2 * self.decoder(z) + 3).view", "sample gave what is none of images: they lie in"),
        ("view(-1, *self.spec.shape)", "view(-1, 1, *self.spec.shape)", "sample gave what is none of images: they are"),
        ('task = "generation"', 'task = "forecasting"', "does not fit its task 'forecasting'"),
        ('kind = "image"', 'kind = "imag"', "There is no kind of data 'imag'; did you mean 'image'"),
        ('averaged = ("decoder",)', 'conditions = ("label",)', "sample does not read the label of its rows"),
        ('averaged = ("decoder",)', 'conditions = ("hue",)', "conditions names hue"),
        ('update("vae"', 'update("vea"', r"update\('vea'\) names no optimiser"),
        ("pixels = prod(spec.shape)", "pixels = len(spec.shapes)", r"mine.py:\d+ raised AttributeError"),
        (
            "latent_dim: int = Field(default=16, gt=0)",
            "latent_dim: int = Field(gt=0)",
            r"ValidationError: 1 validation error",
        ),
    ],
)
def test_a_family_that_breaks_a_promise_is_told_which(was: str, becomes: str, says: str, project: Path) -> None:
    path = changed(project, was, becomes)
    with pytest.raises(UserError, match=says) as told:
        entries.check("models", "acme:mine")
    assert str(path) in told.value.found
    assert told.value.expected or told.value.remedy or "did you mean" in told.value.found


METRIC = """from genfoundry.metric import Metric, ScoreKind
SCORES = (ScoreKind("NAME", label="A", question="How?", better="BETTER", low=0, high=1),)
class Mine(Metric):
    view = "features"
    @staticmethod
    def score(real, fake):
        return {"SAID": VALUE}
"""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({}, ""),
        ({"SAID": "other"}, "score gave 'other', which SCORES does not declare"),
        ({"VALUE": "2.0"}, "score gave mine of 2 to 2"),
        ({"VALUE": "[1.0, 2.0]"}, r"score gave mine of shape \(2,\)"),
        ({"BETTER": "more"}, "better = 'more'"),
        ({"NAME": "fd", "SAID": "fd"}, "'fd' is declared twice, differently: in .*frechet.py and in .*mine.py"),
    ],
)
def test_a_metric_is_tried_on_made_up_sides(words: dict[str, str], says: str, project: Path) -> None:
    source = METRIC
    for word, value in {"NAME": "mine", "BETTER": "higher", "SAID": "mine", "VALUE": "0.5", **words}.items():
        source = source.replace(word, value)
    path = project / "acme_lab" / "metrics" / "mine.py"
    path.parent.mkdir()
    path.write_text(source)
    if not says:
        assert entries.check("metrics", "acme:mine") == "computes mine"
        return
    with pytest.raises(UserError, match=says) as told:
        entries.check("metrics", "acme:mine")
    assert str(path) in told.value.found


def test_a_metric_that_does_not_parse_is_named_and_all_others_are_read(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project / "acme_lab" / "metrics" / "torn.py"
    path.parent.mkdir()
    path.write_text("SCORES = (")
    assert "fd" in metric.score_kinds()
    assert f"Left out: {path} does not parse" in capsys.readouterr().err
    assert metric.run_in("generation") == ["frechet", "kernel", "memorisation", "prdc", "reconstruction"]


def test_the_command_tries_all_and_says_which_is_broken(project: Path) -> None:
    new_entries.write_entry("metric", "spread")
    new_entries.write_recipe("mine")
    torn, misnamed = family(project, "x = (", "torn"), family(project, "", "my-model")
    (project / "recipes" / "circle.yaml").write_text("from: circle\n")
    tried = CliRunner().invoke(cli, ["check"])
    assert tried.exit_code == 1
    lines = {line[:6].strip() + " " + line.split()[1]: line for line in tried.output.splitlines() if "/" in line[:40]}
    assert "kept metrics/acme:spread" in lines
    assert "kept recipes/mine" in lines
    assert str(torn) in lines["broken models/acme:torn"]
    assert f"{misnamed} can't be a family" in lines["broken models/my-model.py"]
    assert "begins from itself" in lines["broken recipes/circle"]
    assert CliRunner().invoke(cli, ["check", "spread", "recipes/mine"]).exit_code == 0
    unknown = CliRunner().invoke(cli, ["check", "spraed"]).exception
    assert isinstance(unknown, UserError)
    assert "did you mean" in str(unknown)


def test_without_entries_it_says_how_to_begin_one(project: Path) -> None:
    done = CliRunner().invoke(cli, ["check"])
    assert (done.exit_code, done.output) == (
        0,
        "There are no entries of your own here. To write one: genfoundry new family mine\n",
    )


def test_shipped_entries_are_tried_by_their_name_alone(project: Path) -> None:
    assert [*checking.entries()] == []
    assert [entry.label for entry in checking.entries(["frechet"])] == ["metrics/frechet"]
    assert catalog.unusable("models") == {}
