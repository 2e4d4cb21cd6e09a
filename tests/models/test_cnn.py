import pytest
from support.contracts import IMAGE_SPECS, check_model


@pytest.mark.parametrize("spec", IMAGE_SPECS, ids=str)
def test_contract(spec, tmp_path):
    check_model("cnn", spec, tmp_path)
