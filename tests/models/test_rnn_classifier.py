import pytest
from support.contracts import IMAGE_SPECS, check_model


@pytest.mark.parametrize("spec", IMAGE_SPECS, ids=str)
def test_contract(spec, tmp_path):
    check_model("rnn_classifier", spec, tmp_path)
