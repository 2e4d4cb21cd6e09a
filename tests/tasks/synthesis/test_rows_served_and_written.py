"""Synthetic rows as a registered model serves them, and as files."""

import csv
import json

import numpy as np
import pandas as pd
import pytest
import torch
from pyarrow import parquet
from support.customers import Knowing, customers

from genfoundry.errors import UserError
from genfoundry.serving.provenance import Provenance
from genfoundry.tasks.synthesis.about import Wishes, usage
from genfoundry.tasks.synthesis.generate import BATCH, rows, write
from genfoundry.tasks.synthesis.predictor import MAX_ROWS, Predictor, signature


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENFOUNDRY_ROOT", str(root))
        yield customers(root, count=600)


@pytest.fixture
def model(dataset):
    return Knowing(dataset.spec)


@pytest.fixture
def origin(dataset):
    return Provenance(
        model="m", version=3, weights_sha256="ab", dataset="customers", dataset_digest=dataset.version.digest, seed=5
    )


def test_a_row_depends_on_its_seed_alone(model):
    predictor = Predictor(model)
    together = predictor.predict(pd.DataFrame({"seed": [3, 1, 4, 1]}))
    apart = [predictor.predict(pd.DataFrame({"seed": [seed]})) for seed in (3, 1, 4, 1)]
    pd.testing.assert_frame_equal(together, pd.concat(apart, ignore_index=True))
    pd.testing.assert_frame_equal(together.iloc[[1]].reset_index(drop=True), together.iloc[[3]].reset_index(drop=True))
    assert not together.iloc[0].equals(together.iloc[1])


def test_what_is_served_is_what_its_signature_says(model):
    made = Predictor(model).predict(pd.DataFrame({"seed": range(40)}))
    said = {column.name: column.type.name for column in signature(model).outputs.inputs}
    assert said == {
        "region": "string", "age": "long", "income": "double", "spent": "double", "member": "boolean",
        "since": "datetime", "left": "boolean",
    }  # fmt: skip
    assert signature(model).inputs.input_names() == ["seed"]
    assert [*made.columns] == [*said]
    assert (made["age"].dtype, made["income"].dtype, made["since"].dtype.kind) == (np.int64, np.float64, "M")
    assert {*made["region"]} <= {"north", "south", "west"}
    assert {type(cell) for cell in made["member"]} == {bool}
    assert 0 < made["income"].isna().sum() < 20


def test_what_is_served_can_be_sent_as_json(model):
    from io import StringIO

    from mlflow.pyfunc.scoring_server import predictions_to_json

    text = StringIO()
    predictions_to_json(Predictor(model).predict(pd.DataFrame({"seed": range(5)})), text)
    first = json.loads(text.getvalue())["predictions"][0]
    assert {*first} == {column.name for column in model.spec.columns}
    assert isinstance(first["left"], bool)


def test_a_call_without_seeds_or_with_too_many_says_so(model):
    with pytest.raises(UserError, match="a column `seed`"):
        Predictor(model).predict(pd.DataFrame({"number": [1]}))
    with pytest.raises(UserError, match=f"at most {MAX_ROWS}"):
        Predictor(model).predict(pd.DataFrame({"seed": range(MAX_ROWS + 1)}))
    assert len(Predictor(model).predict(pd.DataFrame({"seed": []}))) == 0


def test_the_first_rows_are_the_same_however_many_follow(model):
    few, many = rows(model, 3, 8), rows(model, BATCH + 20, 8)
    pd.testing.assert_frame_equal(few, many.iloc[:3])
    assert len(many) == BATCH + 20
    assert not rows(model, 3, 9).equals(few)
    assert not many.iloc[:20].reset_index(drop=True).equals(many.iloc[BATCH:].reset_index(drop=True))


def test_a_table_of_text_is_marked_row_by_row_and_has_its_origin_beside_it(model, dataset, origin, tmp_path):
    made = write(model, dataset.version, Wishes(number=20), origin, tmp_path)
    assert [path.name for path in made.files] == ["rows.csv", "provenance.json"]
    assert (made.provenance, made.notes) == (origin, [])
    with made.files[0].open(newline="") as file:
        found = [*csv.DictReader(file)]
    assert len(found) == 20
    assert {row["ai_generated"] for row in found} == {"true"}
    assert all(row["age"].isdigit() for row in found)
    assert all(pd.Timestamp(row["since"]).year >= 2015 for row in found)
    beside = json.loads(made.files[1].read_text())
    assert (beside["dataset"], beside["seed"], beside["AI-generated"]) == ("customers", "5", "true")


def test_a_parquet_file_says_of_itself_where_it_comes_from(model, dataset, origin, tmp_path):
    made = write(model, dataset.version, Wishes(number=20, format="parquet"), origin, tmp_path)
    assert [path.name for path in made.files] == ["rows.parquet", "provenance.json"]
    table = parquet.read_table(made.files[0])
    assert {key: table.schema.metadata[key.encode()].decode() for key in origin.words} == origin.words
    frame = table.to_pandas()
    assert frame["ai_generated"].all()
    assert str(frame["age"].dtype) == "Int64"
    assert str(frame["region"].dtype) == "category"
    pd.testing.assert_frame_equal(
        frame.drop(columns=["ai_generated", "age"]), rows(model, 20, 0).drop(columns=["age"]), check_categorical=False
    )


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_same_seed_gives_the_same_bytes(model, dataset, origin, tmp_path, form):
    one, two, other = (
        write(model, dataset.version, Wishes(number=50, seed=seed, format=form), origin, tmp_path / str(number)).files[
            0
        ]
        for number, seed in enumerate((1, 1, 2))
    )
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()


def test_a_model_is_told_nothing_of_the_rows_that_it_makes(dataset):
    seen = []

    class Asked(Knowing):
        def sample(self, like, generator=None):
            seen.append(like)
            return super().sample(like, generator)

    rows(Asked(dataset.spec), 1, 0)
    (like,) = seen
    assert torch.isnan(like.numbers).all()
    assert (like.codes == -1).all()


def test_the_card_shows_the_call(dataset):
    assert usage("m", dataset.spec) == (
        "rows = model.sample(16, seed=7)  # 16 rows of region, age, income, spent and 3 more"
    )
