"""A record holds the spec of whatever kind its `kind` names, and its JSON is what it always was."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from pydantic import ValidationError

from genfoundry.dataset import Card
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.kinds.series.spec import SeriesSpec
from genfoundry.records import Checkpoint, DatasetVersion, Spec

IMAGE = '{"kind":"image","channels":1,"height":28,"width":28,"num_classes":10}'
PAIRS = '{"kind":"image","channels":3,"height":16,"width":24,"num_classes":0,"source":[3,8,12]}'
SERIES = '{"kind":"series","freq":"h","season":24,"context":168,"horizon":24,"channels":["y","wind"],"num_series":3}'
CHECKPOINT = (
    '{"recipe":"dcgan","family":"dcgan","run_key":"k","run_id":"r","weights_digest":"w",'
    f'"dataset":{{"name":"digits","kind":"image","digest":"d.dir","spec":{IMAGE}}},"seed":1,'
    '"cost":{"seconds":0.0,"steps":0,"examples":0,"peak_memory_mb":0.0,"parameters":0,"flops_per_sample":0.0,'
    '"device":"","precision":""},"outcome":"COMPLETED","skipped":false}'
)


def version(spec: str) -> str:
    return f'{{"name":"digits","kind":"{json.loads(spec)["kind"]}","digest":"d.dir","spec":{spec}}}'


@pytest.mark.parametrize(("spec", "of"), [(IMAGE, ImageSpec), (PAIRS, ImageSpec), (SERIES, SeriesSpec)])
def test_the_json_of_a_spec_survives_byte_for_byte(spec: str, of: type[Spec]) -> None:
    found = DatasetVersion.model_validate_json(version(spec))
    assert type(found.spec) is of
    assert found.model_dump_json() == version(spec)
    assert DatasetVersion.model_validate(found.model_dump()) == found
    assert DatasetVersion.model_validate(json.loads(version(spec))) == found


def test_a_card_holds_a_spec_or_none() -> None:
    made = {"name": "a", "kind": "image", "title": "a", "licence": "a", "source": "a", "consent": "a"}
    assert Card.model_validate(made).spec is None
    card = Card.model_validate({**made, "spec": json.loads(IMAGE)})
    assert card.spec == ImageSpec(channels=1, height=28, width=28, num_classes=10)
    assert Card.model_validate_json(card.model_dump_json()) == card


def test_a_process_that_imported_the_records_alone_reads_a_checkpoint() -> None:
    code = (
        "import sys\nfrom genfoundry.records import Checkpoint\n"
        "made = Checkpoint.model_validate_json(sys.argv[1])\n"
        "print(type(made.dataset.spec).__name__, *(name in sys.modules for name in ('torch', 'numpy', 'pandas')))\n"
        "print(made.model_dump_json())"
    )
    run = subprocess.run([sys.executable, "-c", code, CHECKPOINT], capture_output=True, text=True, timeout=60)
    assert run.stdout.splitlines() == ["ImageSpec False False False", CHECKPOINT], run.stderr
    assert Checkpoint.model_validate_json(CHECKPOINT).model_dump_json() == CHECKPOINT


def test_what_is_no_spec_of_a_kind_says_where() -> None:
    with pytest.raises(ValidationError, match=r"There is no kind of data 'imag'; did you mean 'image'\?"):
        DatasetVersion.model_validate_json(version(IMAGE.replace('"image"', '"imag"')))
    with pytest.raises(ValidationError) as caught:
        DatasetVersion.model_validate_json(version(IMAGE.replace('"channels":1', '"channels":0')))
    assert [error["loc"] for error in caught.value.errors()] == [("spec", "channels")]
    with pytest.raises(ValidationError, match="extra"):
        DatasetVersion.model_validate_json(version(IMAGE.replace('"width"', '"depth":3,"width"')))
    with pytest.raises(ValidationError) as caught:
        DatasetVersion.model_validate({"name": "a", "kind": "image", "digest": "d", "spec": {"channels": 1}})
    assert ("spec", "kind") in [error["loc"] for error in caught.value.errors()]
