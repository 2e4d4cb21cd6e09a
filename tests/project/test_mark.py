"""The mark: what it says, and what is said of one that does not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from genfoundry import __version__
from genfoundry.errors import UserError
from genfoundry.project import mark, markers


def marked(folder: Path, text: str, file: str = markers.OWN_FILE) -> Path:
    (folder / file).write_text(text, encoding="utf-8")
    return folder


def test_without_a_mark_every_setting_is_as_before(tmp_path):
    assert not markers.is_marked(tmp_path)
    assert mark.read(tmp_path) == mark.Mark(slug="", package="", recipes="recipes", override=())


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("genfoundry.toml", 'slug = "acme"\npackage = "acme_lab"\noverride = ["models/dcgan"]'),
        ("pyproject.toml", '[tool.genfoundry]\nslug = "acme"\npackage = "acme_lab"\noverride = ["models/dcgan"]'),
        (
            "pyproject.toml",
            'tool.x = 1\n[ tool . genfoundry ]\nslug="acme"\npackage="acme_lab"\noverride=["models/dcgan"]',
        ),
    ],
)
def test_both_files_say_the_same(tmp_path, file, text):
    found = mark.read(marked(tmp_path, text, file))
    assert (found.slug, found.package, found.override) == ("acme", "acme_lab", ("models/dcgan",))
    assert markers.file_of(tmp_path) == tmp_path / file


def test_a_project_file_without_the_table_is_no_mark(tmp_path):
    marked(tmp_path, '[project]\nname = "x"\n[tool.genfoundryish]\nslug = "acme"', "pyproject.toml")
    assert not markers.is_marked(tmp_path)
    assert mark.read(tmp_path).slug == ""


def test_two_marks_are_one_too_many(tmp_path):
    marked(marked(tmp_path, 'slug = "acme"'), '[tool.genfoundry]\nslug = "other"', "pyproject.toml")
    with pytest.raises(UserError, match="has two marks") as refused:
        mark.read(tmp_path)
    assert refused.value.remedy.endswith(f"rm '{tmp_path / 'genfoundry.toml'}'")


@pytest.mark.parametrize("file", ["genfoundry.toml", "pyproject.toml"])
def test_a_torn_one_names_its_file_and_its_line(tmp_path, file):
    marked(tmp_path, '[tool.genfoundry]\nslug = "acme"\n<<<<<<< HEAD\n', file)
    with pytest.raises(UserError, match=rf"{file} is no TOML: .*line 3") as refused:
        mark.read(tmp_path)
    assert refused.value.remedy.startswith(f"git -C '{tmp_path}' checkout HEAD -- {file} ")


@pytest.mark.parametrize("slug", ["Acme", "a--b", "-a", "a-", "a.b", "a:b", "a" * 41, "ä"])
def test_a_slug_can_stand_in_every_name(tmp_path, slug):
    with pytest.raises(UserError, match=r"genfoundry\.toml: slug = "):
        mark.read(marked(tmp_path, f'slug = "{slug}"'))


def test_an_unknown_key_is_told_and_left_out(tmp_path, capsys):
    assert mark.read(marked(tmp_path, 'slug = "acme"\nrecipies = "r"')).slug == "acme"
    assert "unknown key 'recipies' is left out; did you mean 'recipes'?" in capsys.readouterr().err


def test_a_newer_project_is_refused_with_the_command(tmp_path):
    with pytest.raises(UserError, match="schema = 2: the project is of a newer genfoundry") as refused:
        mark.read(marked(tmp_path, "schema = 2"))
    assert refused.value.remedy == "pip install --upgrade 'genfoundry'"


def test_another_release_than_the_project_requires_is_refused_with_the_command(tmp_path):
    with pytest.raises(UserError, match=f"requires genfoundry >=99, and this is {__version__}") as refused:
        mark.read(marked(tmp_path, 'requires = ">=99"'))
    assert refused.value.remedy == "pip install 'genfoundry>=99'"
    assert mark.read(marked(tmp_path, f'requires = ">={__version__}"')).requires
    with pytest.raises(UserError, match="says no range of versions"):
        mark.read(marked(tmp_path, 'requires = "new"'))


def test_it_is_read_again_when_it_changes(tmp_path):
    assert mark.read(marked(tmp_path, 'slug = "one"')).slug == "one"
    assert mark.read(marked(tmp_path, 'slug = "two"')).slug == "two"
