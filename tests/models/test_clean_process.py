"""Every family, published and loaded in a process that has seen nothing: the same samples."""

import hashlib
import json
import subprocess
import sys

import torch
from support.contracts import batch_of, smallest

from genfoundry import catalog
from genfoundry.training.loader import build_model, write_model

SMALL = {"pixelcnn": {"width": 4, "layers": 1}, "srgan": {"width": 4, "blocks": 1}}
SCRIPT = """
import hashlib, json, sys
from pathlib import Path
import torch
from support.contracts import batch_of, smallest
from genfoundry.training.loader import load_model
torch.set_num_threads(1)
found = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    model = load_model(folder)
    batch = batch_of(smallest(model.kind), 4)
    made = model.sample(batch, torch.Generator().manual_seed(3)) if model.generative else model.classify(batch)
    found[folder.name] = hashlib.sha256(made.detach().numpy().tobytes()).hexdigest()
print(json.dumps(found))
"""


def test_a_published_model_makes_the_same_in_a_clean_process(tmp_path):
    torch.manual_seed(0)
    threads, expected = torch.get_num_threads(), {}
    torch.set_num_threads(1)
    try:
        for family in catalog.names("models"):
            spec = smallest(str(catalog.describe("models", family).attributes["kind"]))
            model, batch = build_model(family, spec, SMALL.get(family, {})).eval(), batch_of(spec, 4)
            model.before_training(lambda spec=spec: [batch_of(spec, 64, seed) for seed in range(2)])
            model.after_training([batch_of(spec, 64, seed) for seed in range(2)])
            write_model(tmp_path / family, family, model, model.state_dict())
            made = model.sample(batch, torch.Generator().manual_seed(3)) if model.generative else model.classify(batch)
            expected[family] = hashlib.sha256(made.detach().numpy().tobytes()).hexdigest()
    finally:
        torch.set_num_threads(threads)
    script = "import sys; sys.path.insert(0, 'tests')\n" + SCRIPT
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == expected
    assert len(expected) >= 12
