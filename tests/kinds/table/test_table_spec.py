import pytest
from pydantic import ValidationError
from support.people import SPEC

from genfoundry.kinds.table.spec import Column, TableSpec
from genfoundry.records import DatasetVersion


def test_a_record_that_holds_it_reads_it_back():
    version = DatasetVersion(name="people", kind="table", digest="d.dir", spec=SPEC)
    again = DatasetVersion.model_validate_json(version.model_dump_json())
    assert again == version
    assert isinstance(again.spec, TableSpec)


def test_columns_are_numbers_or_codes_in_their_order():
    assert [column.name for column in SPEC.numbers] == ["age", "income", "since"]
    assert [column.name for column in SPEC.codes] == ["town", "member", "risk"]
    assert SPEC.classes == ("good", "bad")
    assert SPEC.columns[3].labels == ("False", "True")


def test_what_is_false_or_empty_is_left_out_of_the_json():
    assert Column(name="a", type="numeric").model_dump_json() == '{"name":"a","type":"numeric"}'


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"columns": (*SPEC.columns, SPEC.columns[0])}, "two columns 'age'"),
        ({"target": "age"}, "target 'age' is no categorical or boolean column"),
        ({"target": "nothing"}, "target 'nothing' is no"),
        ({"positive": "worse"}, "positive 'worse' is no class"),
        ({"target": ""}, "positive 'bad' is no class of target ''"),
        ({"columns": ()}, "at least 1 item"),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused(change, sentence):
    with pytest.raises(ValidationError, match=sentence):
        TableSpec(**{**SPEC.model_dump(), **change})


@pytest.mark.parametrize("column", [{"type": "categorical"}, {"type": "numeric", "levels": ("a",)}])
def test_categories_and_nothing_else_have_levels(column):
    with pytest.raises(ValidationError, match="levels"):
        Column(name="a", **column)


def test_a_level_comes_once():
    with pytest.raises(ValidationError, match="twice"):
        Column(name="a", type="categorical", levels=("x", "x"))
