"""Every family trains one epoch on a GPU, in bf16, and what it publishes loads on a CPU."""

import json

import pytest
import torch
from trained import digits, order, start

from genfoundry import catalog
from genfoundry.job import MODEL, RESULT, Result
from genfoundry.loader import load_model

IMAGES = [name for name in catalog.names("models") if catalog.describe("models", name).attributes["kind"] == "image"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("family", IMAGES)
def test_an_epoch_on_a_gpu(family, tmp_path):
    digits(tmp_path)
    job = tmp_path / "job"
    order(tmp_path, job, family, max_steps=90, accelerator="gpu", precision="bf16")
    text = json.loads((job / "job.json").read_text())
    text["settings"] = {"scale": 2, "pixel_steps": 45} if family == "srgan" else {}
    (job / "job.json").write_text(json.dumps(text))
    assert start(job).wait(timeout=300) == 0
    result = Result.model_validate_json((job / RESULT).read_text())
    assert result.outcome == "COMPLETED"
    assert "bf16" in result.cost.precision
    load_model(job / MODEL)
