"""A key follows from what decides the result, and from nothing else: no wording, no folder, no other family's code."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from genfoundry_flows import recipes as recipe_files

from genfoundry import catalog, identity
from genfoundry.project import places
from genfoundry.recipe import Recipe
from genfoundry.records import Checkpoint, DatasetVersion

STAGES = ("training", "evaluation", "validation")
GANS = {"cgan", "dcgan", "gan", "lapgan", "srgan"}
CLASSIFIERS = {"cnn", "mlp", "rnn_classifier"}
SERIES = {"deepar", "patch_transformer", "rnn"}
ALL = {*catalog.names("models")}
REACHED_BY = {  # a module, and the families whose training runs it
    "modelling/adversarial.py": GANS,
    "modelling/classifier.py": CLASSIFIERS,
    "errors.py": ALL,
    "modelling/forecaster.py": SERIES - {"deepar"},
    "modelling/layers.py": GANS | CLASSIFIERS | {"vae"},
    "training/loop.py": ALL,
    "modelling/losses.py": GANS | {"vae"},
    "modelling/mixture.py": {"vae"},
    "models/vae.py": {"vae"},
    "modelling/resampling.py": {"srgan"},
    "modelling/spectral.py": {"pixelcnn"},
    "modelling/windows.py": SERIES,
    "kinds/image/rows.py": ALL - SERIES - {"argn"},
    "kinds/table/rows.py": {"argn"},
    "kinds/series/rows.py": SERIES,
    "kinds/series/storage.py": SERIES,
    "kinds/image/drift.py": set(),
    "kinds/image/take.py": set(),
    "stages/validate.py": set(),
    "report/page.py": set(),
}
DECIDES = {  # a module, and the keys of the recipe 'dcgan' that it is part of
    "errors.py": "training, evaluation, validation",
    "modelling/layers.py": "training, evaluation",
    "training/loop.py": "training",
    "judging/features.py": "evaluation",
    "statistics/interval.py": "evaluation",
    "metrics/frechet.py": "evaluation",
    "tasks/generation/judge.py": "evaluation",
    "tasks/forecasting/judge.py": "",  # no judge of images
    "metrics/forecast.py": "",
    "kinds/image/suite.py": "validation",
    "kinds/series/suite.py": "",  # no suite of images
    "report/page.py": "validation",  # which writes a page
    "tracking/runs.py": "",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package, which the catalogue takes for the one that runs."""
    ignored = shutil.ignore_patterns("__pycache__")
    copy = shutil.copytree(identity.PACKAGE, tmp_path / "another" / "genfoundry", ignore=ignored)
    monkeypatch.setattr(catalog, "PACKAGE", copy)
    monkeypatch.setattr(places, "PACKAGE", copy)
    return copy


@pytest.fixture(scope="module")
def before() -> dict[tuple[str, str], str]:
    """Every key of the package as it is."""
    return keys()


@cache
def recipes() -> dict[str, Recipe]:
    return {name: recipe_files.load(name) for name in recipe_files.names()}


def keys() -> dict[tuple[str, str], str]:
    """Every key of every shipped recipe; each recipe's extractor has weights of its own."""
    return {(name, stage): key for name in recipes() for stage, key in zip(STAGES, keys_of(name), strict=True)}


def keys_of(name: str) -> tuple[str, str, str]:
    recipe = recipes()[name]
    data = DatasetVersion.model_construct(name=recipe.dataset.name, kind=kind_of(recipe), digest="data")
    extractor = recipe.evaluation.extractor
    return (
        identity.run_key(recipe.model.family, recipe.model.settings, recipe.training.model_dump(mode="json"), data),
        identity.evaluation_key(
            weights_of(name, data), recipe.evaluation, weights_of(extractor, data) if extractor else None
        ),
        identity.validation_key(data, recipe.validation),
    )


def kind_of(recipe: Recipe) -> str:
    return str(catalog.describe("models", recipe.model.family).attributes["kind"])


def weights_of(name: str, data: DatasetVersion) -> Checkpoint:
    return Checkpoint.model_construct(family=recipes()[name].model.family, weights_digest=name, dataset=data)


def changed(before: dict[tuple[str, str], str], stage: str) -> set[str]:
    """The recipes whose key of a stage is another one now."""
    return {name for (name, of), key in keys().items() if of == stage and key != before[name, of]}


def change_a_number(path: Path) -> None:
    """Add one to the first number that stands in a source."""
    lines = path.read_bytes().splitlines(keepends=True)
    numbers = (node for node in ast.walk(ast.parse(b"".join(lines))) if isinstance(node, ast.Constant))
    number = next(node for node in numbers if type(node.value) in (int, float))
    line = lines[number.lineno - 1]
    lines[number.lineno - 1] = line[: number.col_offset] + b"1 + " + line[number.col_offset :]
    path.write_bytes(b"".join(lines))


def other_docstrings(source: str) -> str:
    """The source with other words in every text that stands alone: docstrings, and those of attributes."""
    lines = source.splitlines(keepends=True)
    texts = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Expr)]
    texts = [node for node in texts if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)]
    for node in sorted(texts, key=lambda node: -node.lineno):
        lines[node.lineno - 1 : node.end_lineno] = [" " * node.col_offset + '"""Other\n\nwords."""\n']
    return "".join(lines)


def comments_and_blank_lines(source: str) -> str:
    """The source with a comment and blank lines before every statement of the module."""
    lines = source.splitlines(keepends=True)
    for node in reversed(ast.parse(source).body):
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        lines.insert(first - 1, "\n\n# Said anew.\n\n")
    return "".join(lines) + "\n# The end.\n"


def imports_for_annotations(source: str) -> str:
    """The source with an import that type checkers alone read."""
    return f"{source}\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from genfoundry.models import vae\n"


def another_release(source: str) -> str:
    return re.sub(r'^__version__ = ".*"$', '__version__ = "99.9"', source, flags=re.MULTILINE)


@pytest.mark.parametrize("edit", [other_docstrings, comments_and_blank_lines, imports_for_annotations, another_release])
def test_wording_changes_no_key(before: dict, package: Path, edit: Callable[[str], str]):
    edited = 0
    for path in package.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        path.write_text(edit(source), encoding="utf-8")
        edited += edit(source) != source
    assert edited >= (1 if edit is another_release else 100)
    assert keys() == before


def test_the_folder_of_the_checkout_changes_no_key(before: dict, package: Path):
    assert catalog.folder("") == package != identity.PACKAGE
    assert keys() == before


@pytest.mark.parametrize("module", REACHED_BY)
def test_changed_code_changes_the_runs_of_the_families_that_reach_it_and_of_no_other(
    before: dict, package: Path, module: str
):
    change_a_number(package / module)
    families = REACHED_BY[module]
    assert changed(before, "training") == {
        name for name, recipe in recipes().items() if recipe.model.family in families
    }


@pytest.mark.parametrize("module", DECIDES)
def test_changed_code_changes_the_keys_that_it_decides(before: dict, package: Path, module: str):
    change_a_number(package / module)
    now = zip(STAGES, keys_of("dcgan"), strict=True)
    assert ", ".join(stage for stage, key in now if key != before["dcgan", stage]) == DECIDES[module]


@pytest.mark.parametrize("kind", catalog.names("kinds"))
def test_a_validation_depends_on_the_suite_of_its_kind_alone(before: dict, package: Path, kind: str):
    change_a_number(catalog.source("kinds", kind, "suite"))
    assert changed(before, "validation") == {name for name, recipe in recipes().items() if kind_of(recipe) == kind}


def test_what_a_task_declares_of_its_scores_decides_them_though_nobody_imports_it(before: dict, package: Path):
    """Directions and ranges are read from the source."""
    path = package / "tasks" / "generation" / "scores.py"
    path.write_text(path.read_text(encoding="utf-8").replace("low=0", "low=-1", 1), encoding="utf-8")
    now = zip(STAGES, keys_of("dcgan"), strict=True)
    assert [stage for stage, key in now if key != before["dcgan", stage]] == ["evaluation"]


def test_an_extractors_family_decides_the_scores_of_whom_it_judges(before: dict, package: Path):
    change_a_number(package / "models" / "cnn.py")
    judged = {name for name, recipe in recipes().items() if recipe.evaluation.extractor in ("cnn", "cnn-fashion")}
    own = {name for name, recipe in recipes().items() if recipe.model.family == "cnn"}
    assert changed(before, "evaluation") == judged | own > own


TRAINED = """
import json, runpy, sys
sys.argv = ["trainer", sys.argv[1]]
try:
    runpy.run_module("genfoundry.training.trainer", run_name="__main__")
except SystemExit as ended:
    print(json.dumps([ended.code, [name for name in sys.modules if name.partition(".")[0] == "genfoundry"]]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("family", "data"), [("vae", "digits"), ("rnn", "sunspots")])
def test_whatever_a_training_imports_is_in_its_key(root: Path, family: str, data: str):
    from support.trained import order

    from genfoundry.data.building import build_folder

    version = build_folder(data)
    order(root, root / "job", family, data, max_steps=2)
    command = [sys.executable, "-c", TRAINED, str(root / "job")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    status, imported = json.loads(done.stdout.splitlines()[-1])
    assert status == 0, done.stderr
    passed = {*identity.DOORS, *identity.FINDING}  # what they find is in the key by itself
    assert {*imported} - passed <= {*identity.import_closure(identity.training_modules(family, version.kind))}


@pytest.mark.parametrize("family", catalog.names("models"))
def test_no_run_depends_on_a_kind_that_its_family_does_not_read(family: str):
    kind = str(catalog.describe("models", family).attributes["kind"])
    reached = identity.import_closure(identity.training_modules(family, kind))
    assert {name.split(".")[2] for name in reached if name.startswith("genfoundry.kinds.")} == {kind}
