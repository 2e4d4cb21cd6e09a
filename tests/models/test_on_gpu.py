"""Every family trains one epoch on a GPU, in bf16, and what it publishes loads on a CPU."""

import json
from pathlib import Path

import pytest
import torch
from support.trained import digits, order, start
from support.waves import waves

from genfoundry import catalog
from genfoundry.training.job import MODEL, RESULT, Result
from genfoundry.training.loader import load_model

SETTINGS = {"srgan": {"scale": 2, "pixel_steps": 45}, "patch_transformer": {"patch": 4, "stride": 2}}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("family", catalog.names("models"))
def test_an_epoch_on_a_gpu(family, tmp_path):
    train_an_epoch(family, tmp_path, accelerator="gpu", precision="bf16")


def train_an_epoch(family: str, root: Path, **training: str) -> None:
    series = catalog.describe("models", family).attributes["kind"] == "series"
    waves(root) if series else digits(root)
    job = root / "job"
    order(root, job, family, "waves" if series else "digits", max_steps=90, **training)
    text = json.loads((job / "job.json").read_text())
    (job / "job.json").write_text(json.dumps({**text, "settings": SETTINGS.get(family, {})}))
    assert start(job).wait(timeout=300) == 0, (job / "output.log").read_text()
    result = Result.model_validate_json((job / RESULT).read_text())
    assert result.outcome == "COMPLETED"
    assert training["precision"] in result.cost.precision
    load_model(job / MODEL)
