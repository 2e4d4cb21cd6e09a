"""The catalogue of metrics keeps its promise, and all that is said of scores is read from sources."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from genfoundry import catalog, metric
from genfoundry.contracts import metrics
from genfoundry.errors import UserError
from genfoundry.metric import ScoreKind, declared, kind_of, run_in, score_kinds, subject


@pytest.mark.parametrize("name", catalog.names("metrics"))
def test_every_metric_keeps_its_contract(name: str, tmp_path: Path):
    assert metrics.check(name, tmp_path)


@pytest.mark.parametrize("kind", score_kinds().values(), ids=lambda kind: kind.name)
def test_a_score_says_what_it_asks_and_which_way_is_better(kind: ScoreKind):
    metrics.check_words(kind)
    assert not kind.beside or kind.beside in score_kinds()


def test_the_longest_start_of_a_scores_name_is_its_kind():
    names = ("fd_domain-1a_1k", "fd_inf_pca64", "fd", "coverage80_h6", "coverage_x_1k", "fdx_1k", "")
    assert [(kind.name if (kind := kind_of(name)) else None) for name in names] == [
        "fd", "fd_inf", "fd", "coverage80", "coverage", None, None,
    ]  # fmt: skip


def test_whose_score_it_is_in_words():
    assert [subject(name) for name in ("model", "auto_ets", "standard_prior")] == [
        "this model",
        "AutoETS",
        "standard prior",
    ]


def test_the_judge_of_generation_depends_on_the_metrics_that_it_runs():
    assert run_in("generation") == ["frechet", "kernel", "memorisation", "prdc", "reconstruction"]
    assert run_in("classification") == []


def test_the_words_of_scores_need_no_torch():
    code = (
        "import sys; from genfoundry.report import wording; assert wording.meaning('fd_x').label == 'Fréchet distance';"
        "print([name for name in ('torch', 'sklearn', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("NAME = 'x'\nSCORES = (ScoreKind(NAME, label='X', question='?', better='lower'),)", "literals"),
        ("SCORES = ('fd',)", "line 1 is no ScoreKind"),
        ("SUBJECTS = dict(noise='noise')", "literals"),
    ],
)
def test_words_that_are_no_literals_are_refused(source: str, says: str, tmp_path: Path):
    (tmp_path / "one.py").write_text(source)
    with pytest.raises(UserError, match=says):
        declared(tmp_path / "one.py")


def test_one_name_has_one_meaning():
    here, there = Path("a.py"), Path("b.py")
    with pytest.raises(UserError, match=r"'fd' is declared twice, differently: in a\.py and in b\.py"):
        metric._united([("fd", 1, here), ("fd", 1, there), ("fd", 2, there)])
