"""What a source imports and what it means, read from its text alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from genfoundry import identity

PYTHONS = '''"""Words."""
from __future__ import annotations
import os.path as p, sys
class A(B, metaclass=M):
    """Words."""
    x: int = 1
    """Words."""
@d(1, *a, k=2.5, **b)
async def f(a, /, b=-1, *c, d: str = "é\\U0001fadf", **e) -> None:
    async with a as b: await c
    return [f"{x!r:>{n}}{{" f"{y:.2f} {z=}" for x in y if (z := x)], {**a, 1: b"\\x00"}, lambda: ..., 1j, u"u"
'''
MEANING = "4c794369bd88806aced8b66677898f89b65bb7741ed2806da8d0c042da751a7c"


def write(folder: Path, sources: dict[str, str]) -> dict[str, Path]:
    """Modules by their dotted names, in a package `toys` of their own."""
    for name, source in {"__init__": "", **sources}.items():
        path = folder.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return {"toys": folder}


def reached(folder: Path, sources: dict[str, str], name: str = "toys.a") -> set[str]:
    return {*identity.import_closure([name], write(folder, sources))}


def test_imports_are_followed_into_functions_and_relative_ones_and_circles(tmp_path: Path):
    sources = {
        "a": "import json\nfrom . import b, absent\ndef f():\n    from .sub.c import thing\n",
        "b": "from genfoundry.errors import UserError\n",
        "sub.__init__": "",
        "sub.c": "from .. import d\nfrom ..e import f as g\n",
        "d": "import toys.a\n",
        "e": "",
        "f": "",
    }
    assert reached(tmp_path, sources) == {
        *("toys", "toys.a", "toys.b", "toys.sub", "toys.sub.c", "toys.d", "toys.e"),
        "genfoundry.errors",  # not the package, whose doors lead to what no stage passes
    }


def test_what_type_checkers_alone_read_is_not_followed_and_its_other_branch_is(tmp_path: Path):
    block = "if {}TYPE_CHECKING:\n    from toys import b\nelse:\n    from toys import c\n"
    for prefix in ("", "typing."):
        assert reached(tmp_path, {"a": block.format(prefix), "b": "", "c": ""}) == {"toys", "toys.a", "toys.c"}


def test_a_package_on_the_way_counts_as_far_as_it_runs_anything(tmp_path: Path):
    roots = write(tmp_path / "toys", {"sub.__init__": '"""Words."""\n', "sub.a": "x = 1\n"})
    names = {*identity.import_closure(["toys.sub.a"], roots)}
    assert names == {"toys", "toys.sub", "toys.sub.a"}
    assert identity._read(b'"""Words."""\n', "toys.sub", True).meaning == ""
    assert identity._read(b'"""Words."""\nx = 1\n', "toys.sub", True).meaning != ""


def test_a_module_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(KeyError, match=r"genfoundry\.absent"):
        identity.import_closure(["genfoundry.absent"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f('')", "f()"),
        ("f('x')", "f(x)"),
        ("x = None", "x = False"),
        ("x = 1", "x = 1.0"),
        ("x = 1", "x = True"),
        ("x = [a, b]", "x = [[a], b]"),
        ("f'{x}'", "f'{x!r}'"),
        ("{**a}", "{None: a}"),
        ("if a:\n    b\nc", "if a:\n    b\n    c"),
        ("'a'; x = 'b'", "'a'; x = 'a'"),
    ],
)
def test_what_runs_otherwise_means_otherwise(one: str, other: str):
    assert identity._read(one.encode(), "a", False).meaning != identity._read(other.encode(), "a", False).meaning


def test_every_python_reads_the_same_meaning():
    """The sha256 as Python 3.11, 3.12 and 3.13 compute it, whose syntax trees differ in fields that are empty."""
    assert identity._read(PYTHONS.encode(), "a", False).meaning == MEANING
