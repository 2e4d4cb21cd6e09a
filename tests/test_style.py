"""The house rules that a tool can see: sizes, doors, arrows, and imports without effects."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from statistics import median, quantiles

import pytest

from genfoundry import catalog
from genfoundry.metric import score_kinds

HERE = Path(__file__).parents[1]
SOURCES = sorted(path for folder in ("src", "flows") for path in (HERE / folder).rglob("*.py"))
FILE_LINES, FUNCTION_LINES, MEDIAN_LINES, NINE_IN_TEN_LINES = 300, 60, 12, 35

DOORS = {
    "prefect": ["flows/*"],
    "mlflow": [
        "src/genfoundry/tracking/*",
        "src/genfoundry/training/loader.py",
        "src/genfoundry/task.py",
        "src/genfoundry/tasks/*/predictor.py",
        "flows/templates/task/predictor.py",
        "flows/servers/guard.py",
    ],
    "great_expectations": ["src/genfoundry/stages/validate.py"],
    "dvc": ["src/genfoundry/stages/fetch.py", "src/genfoundry/stages/ingest.py", "src/genfoundry/data/versions/*"],
    "pytorch_lightning": ["src/genfoundry/training/trainer.py", "src/genfoundry/training/loop.py"],
    "lightning": [],
}
FORBIDDEN_MODULES = {"pickle", "cPickle", "joblib", "cloudpickle", "dill", "shelve"}
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "core", "base", "misc"}


def name_of(path: Path) -> str:
    return path.relative_to(HERE).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions() -> list[tuple[str, int]]:
    """Every function as (file:line name, lines), its docstring not counted."""
    found = []
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first, *rest = node.body
                told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
                docstring = (first.end_lineno or 0) - first.lineno + 1 if told and rest else 0
                lines = (node.end_lineno or 0) - node.lineno + 1 - docstring
                found.append((f"{name_of(path)}:{node.lineno} {node.name}", lines))
    return found


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, module) of every import of a file, those inside functions too."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.lineno, node.module))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found += [(node.lineno, arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant)]
    return found


def test_no_file_is_longer_than_a_few_screens():
    long = {name_of(path): lines for path in SOURCES if (lines := len(path.read_text().splitlines())) > FILE_LINES}
    assert long == {}


def test_no_function_is_longer_than_a_screen():
    assert [(where, lines) for where, lines in functions() if lines > FUNCTION_LINES] == []


def test_most_functions_are_small():
    lengths = [lines for _, lines in functions()]
    assert median(lengths) <= MEDIAN_LINES
    assert quantiles(lengths, n=10)[-1] <= NINE_IN_TEN_LINES


def test_no_file_or_folder_has_a_name_that_says_nothing():
    parts = {name_of(path): {*path.relative_to(HERE).with_suffix("").parts} for path in SOURCES}
    assert [name for name, words in parts.items() if words & FORBIDDEN_NAMES] == []


@pytest.mark.parametrize("vendor", DOORS)
def test_a_vendor_comes_in_by_its_door_only(vendor):
    strangers = [
        f"{name_of(path)}:{line}"
        for path in SOURCES
        for line, module in imports(path)
        if module.split(".")[0] == vendor and not any(fnmatch(name_of(path), door) for door in DOORS[vendor])
    ]
    assert strangers == []


def test_nothing_is_read_or_written_as_a_pickle():
    found = [
        f"{name_of(path)}:{line} {module}"
        for path in SOURCES
        for line, module in imports(path)
        if module.split(".")[0] in FORBIDDEN_MODULES
    ]
    for path in SOURCES:
        found += [f"{name_of(path)}:{node.lineno}" for node in ast.walk(tree(path)) if _unpickles(node)]
    assert found == []


def _unpickles(node: ast.AST) -> bool:
    """`torch.load` without `weights_only=True`, `np.load(allow_pickle=True)`, `read_pickle` and the like."""
    if not isinstance(node, ast.Call):
        return False
    name = ast.unparse(node.func)
    given = {word.arg: ast.unparse(word.value) for word in node.keywords}
    if name.endswith("torch.load"):
        return given.get("weights_only") != "True"
    return given.get("allow_pickle", "False") != "False" or name.endswith((".read_pickle", ".to_pickle"))


@pytest.mark.parametrize(
    ("code", "caught"),
    [
        ("torch.load(path)", True),
        ("torch.load(path, weights_only=False)", True),
        ("torch.load(path, weights_only=True)", False),
        ("np.load(path, allow_pickle=True)", True),
        ("np.load(path, mmap_mode='r', allow_pickle=False)", False),
        ("pd.read_pickle(path)", True),
        ("json.load(file)", False),
    ],
)
def test_the_pickle_rule_sees_what_it_should(code, caught):
    assert _unpickles(ast.parse(code, mode="eval").body) is caught


def test_truncated_images_are_never_let_through():
    """Pillow's `LOAD_TRUNCATED_IMAGES` may be looked at, never set: half an image would pass for a whole one."""
    switch = "LOAD_TRUNCATED_IMAGES"
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr == switch and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.Constant) and node.value == switch)
    ]
    assert found == []


def test_templates_escape_everything():
    templates = [path for folder in ("src", "flows") for path in (HERE / folder).rglob("*.j2")]
    unescaped = re.compile(r"\|\s*safe\b|autoescape\s+false")
    assert [name_of(path) for path in templates if unescaped.search(path.read_text(encoding="utf-8"))] == []


def test_nothing_outside_a_familys_file_names_it():
    """In `src`; the names in `flows` are those of recipes."""
    families = {*catalog.names("models")}
    named = [
        f"{name_of(path)}:{node.lineno} {node.value}"
        for path in SOURCES
        if path.is_relative_to(HERE / "src") and path.parent.name != "models"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in families
    ]
    imported = [
        f"{name_of(path)}:{line} {module}"
        for path in SOURCES
        for line, module in imports(path)
        if module.startswith("genfoundry.models.")
    ]
    assert named + imported == []


def test_what_scores_there_are_is_listed_by_metrics_and_tasks_alone():
    """A list of score names elsewhere is a table that a new metric would have to edit."""
    homes = ("src/genfoundry/metrics/", "src/genfoundry/tasks/")
    listed = [
        f"{name_of(path)}:{node.lineno} {', '.join(sorted(names))}"
        for path in SOURCES
        if not name_of(path).startswith(homes)
        for node in ast.walk(tree(path))
        if len(names := score_names(node)) > 1
    ]
    assert listed == []


def score_names(node: ast.AST) -> set[str]:
    """The names of scores that a list, tuple, set or dict of literals holds."""
    parts = getattr(node, "elts", None) or getattr(node, "keys", None) or []
    texts = {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    return texts & {*score_kinds()}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("TELLING = ('fd', 'recall', 'x')", {"fd", "recall"}),
        ("LIMITS = {'fd': 0, 'kid': 1}", {"fd", "kid"}),
        ("RECALL = 'recall'", set()),
    ],
)
def test_the_rule_of_score_names_sees_what_it_should(code: str, names: set[str]):
    found = set().union(*(score_names(node) for node in ast.walk(ast.parse(code))))
    assert found == names


def test_arrows_point_down():
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([program, "--no-cache"], cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]


def test_importing_every_module_has_no_effect(tmp_path):
    """In an empty folder, with no state to find: no file appears, nothing is printed, no vendor wakes up."""
    modules = [_dotted(path) for path in SOURCES if path.stem not in ("__main__",)]
    code = (
        "import importlib, os, sys\n"
        "before = dict(os.environ)\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
        f"vendors = {[vendor for vendor in DOORS if vendor not in ('prefect', 'pytorch_lightning')]!r}\n"
        "assert not [v for v in vendors if v in sys.modules], [v for v in vendors if v in sys.modules]\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "GENFOUNDRY_ROOT": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_the_flows_have_one_name():
    """`flows`, which is importable from the checkout, would be the same files as other modules, with other classes."""
    places = [path for folder in ("src", "flows", "tests", "benchmarks") for path in (HERE / folder).rglob("*.py")]
    found = [
        f"{name_of(path)}:{line} {module}"
        for path in places
        for line, module in imports(path)
        if module.split(".")[0] == "flows"
    ]
    assert found == []


def _dotted(path: Path) -> str:
    """The name that a file is imported by."""
    parts = path.relative_to(HERE).with_suffix("").parts
    package = ("genfoundry_flows", *parts[1:]) if parts[0] == "flows" else parts[1:]
    return ".".join(part for part in package if part != "__init__")


KIND_TYPES = re.compile(r"(Spec|Rows|Batch)$")


def last_names(node: ast.expr) -> list[str]:
    """The last names of a type or of several: `a.ImageSpec | SeriesSpec` gives both."""
    if isinstance(node, ast.BinOp):
        return last_names(node.left) + last_names(node.right)
    if isinstance(node, ast.Tuple):
        return [name for each in node.elts for name in last_names(each)]
    return [node.attr] if isinstance(node, ast.Attribute) else [node.id] if isinstance(node, ast.Name) else []


def tells_kinds_apart(node: ast.AST, kinds: set[str]) -> bool:
    """Whether a node asks of which kind something is, or lists kinds."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
        return any(KIND_TYPES.search(name) for name in last_names(node.args[1]))
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        named = any(word in last_names(side) for side in sides for word in ("kind",))
        return named and any(words_of(side) & kinds for side in sides)
    if isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict):
        return len(words_of(node) & kinds) > 1
    return False


def words_of(node: ast.expr) -> set[str]:
    """The texts that a literal holds, as its elements or keys."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    inside = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", [])
    return {each.value for each in inside if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def test_nothing_but_a_kind_or_a_task_tells_kinds_apart():
    kinds = {*catalog.names("kinds")}
    inside = ("src/genfoundry/kinds/", "src/genfoundry/tasks/")
    found = {
        name_of(path): node.lineno
        for path in SOURCES
        if not name_of(path).startswith(inside)
        for node in ast.walk(tree(path))
        if tells_kinds_apart(node, kinds)
    }
    assert not found


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("isinstance(spec, a.ImageSpec)", True),
        ("isinstance(batch, SeriesBatch | Other)", True),
        ("isinstance(rows, Labelled)", False),
        ("model.kind == 'image'", True),
        ("kind in ('image', 'x')", True),
        ("dtype.kind == 'f'", False),
        ("KINDS = ['image', 'series']", True),
        ("{'image': 1, 'series': 2}", True),
        ("{'image': 1}", False),
    ],
)
def test_what_tells_kinds_apart_is_seen(source: str, seen: bool):
    found = any(tells_kinds_apart(node, {"image", "series"}) for node in ast.walk(ast.parse(source)))
    assert found is seen


def test_the_house_has_few_rooms_at_the_top_and_few_layers():
    assert len([*(HERE / "src" / "genfoundry").glob("[!_]*.py")]) <= 18
    with (HERE / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    (arrows,) = (each for each in contracts if "containers" in each)
    assert len(arrows["layers"]) <= 14
    assert not arrows.get("ignore_imports")
