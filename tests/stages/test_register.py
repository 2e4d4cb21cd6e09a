"""Registration, whole: judged, made once, read back, the alias last; cut off anywhere, finished by the same call."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.tracked import DATA, registered, trained

from genfoundry import tracking
from genfoundry.errors import UserError
from genfoundry.files import digest
from genfoundry.gate import Policy, decide
from genfoundry.records import ModelVersion, Score
from genfoundry.stages import register
from genfoundry.stages.register import register_model
from genfoundry.tracking import ledger
from genfoundry.tracking.store import client

NOISY = Score(name="kid_pixels_64", value=0.1, low=0.0, high=0.2, higher_is_better=False)


@pytest.fixture(autouse=True)
def name(home, monkeypatch, request) -> str:
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(home))
    return request.node.name[:100]


def run(name: str, tmp_path: Path, fd: float, seed: int = 0, **changes) -> ModelVersion:
    return register_model(trained(f"{name}-{seed}", tmp_path, fd, seed, **changes), Policy(), name)


def test_better_is_champion_alike_is_challenger_worse_is_neither(name, tmp_path):
    first, better, alike = (run(name, tmp_path, fd, seed) for seed, fd in enumerate((50, 10, 10.2)))
    worse, noise = run(name, tmp_path, 30, 3), run(name, tmp_path, 200, 4)
    found = [(v.version, v.decision, v.alias) for v in (first, better, alike, worse, noise)]
    assert found == [
        (1, "PROMOTE", "champion"), (2, "PROMOTE", "champion"), (3, "HOLD", "challenger"),
        (4, "REJECT", None), (5, "REJECT", None),
    ]  # fmt: skip
    assert tracking.aliases(name) == {"champion": 2, "challenger": 3}
    assert [(move.alias, move.version) for move in tracking.history(name)] == [
        ("champion", 1), ("champion", 2), ("challenger", 3),
    ]  # fmt: skip


def test_the_second_time_is_skipped_and_moves_nothing(name, tmp_path):
    evaluation = trained(name, tmp_path, 50)
    first = register_model(evaluation, Policy(), name)
    second = register_model(evaluation, Policy(), name)
    assert (first.skipped, second.skipped) == (False, True)
    assert second == first.model_copy(update={"skipped": True})
    run(name, tmp_path, 10, 1)
    assert register_model(evaluation, Policy(), name).skipped
    assert tracking.aliases(name) == {"champion": 2}
    assert len(tracking.list_versions(name, orphans=True)) == 2


def test_another_evaluation_of_the_same_run_is_another_version_but_of_the_champion(name, tmp_path):
    run(name, tmp_path, 10)
    evaluation = trained(name, tmp_path, 10.2, 1)
    again = evaluation.model_copy(update={"scores": (*evaluation.scores, NOISY)})
    found = [register_model(each, Policy(), name) for each in (evaluation, again, evaluation)]
    assert [(each.version, each.decision) for each in found] == [(2, "HOLD"), (3, "HOLD"), (2, "HOLD")]
    tracking.promote(name, 2)
    other = again.model_copy(update={"scores": (*again.scores, NOISY)})
    assert register_model(other, Policy(), name).version == 2, "its own weights can't be better than they are"


def test_the_version_says_where_it_came_from(name, tmp_path):
    version = run(name, tmp_path, 50)
    info = tracking.get_version(name, version.version)
    checkpoint = version.evaluation.checkpoint
    expected = {
        "family": "gan", "kind": "image", "dataset": "digits", "dataset_digest": DATA.digest, "recipe": name,
        "weights_digest": checkpoint.weights_digest, "run_key": checkpoint.run_key, "seed": "0",
        "genfoundry.decision": "PROMOTE", "primary": "fd_pixels_64 = 50 [49.5, 50.5]",
    }  # fmt: skip
    assert {key: info.tags[key] for key in expected} == expected
    for words in ("Licence: CC BY", "Consent: public", "| **fd\\_pixels\\_64** | model | 50 |", "noise | 100",
                  "Verdict: PROMOTE", "There is no champion yet", f"{name}@champion", "10 steps"):  # fmt: skip
        assert words in info.description


def test_a_champion_on_other_data_that_nobody_can_judge_again_stays(name, tmp_path):
    run(name, tmp_path, 10)
    other = run(name, tmp_path, 5, 1, data=DATA.model_copy(update={"digest": "f" * 32 + ".dir"}))
    assert (other.decision, tracking.aliases(name)) == ("HOLD", {"champion": 1, "challenger": 2})
    text = tracking.get_version(name, 2).description
    assert "The champion was version 1." in text
    assert "Not compared with the champion: it was judged on digits at 0123456789ab" in text


def test_other_weights_than_the_evaluated_ones_are_refused(name, tmp_path):
    evaluation = trained(name, tmp_path, 50)
    checkpoint = evaluation.checkpoint.model_copy(update={"weights_digest": "0" * 64})
    with pytest.raises(UserError, match="publishes weights with sha256"):
        register_model(evaluation.model_copy(update={"checkpoint": checkpoint}), Policy(), name)
    assert tracking.list_versions(name) == []


def test_a_damaged_upload_never_becomes_champion(name, tmp_path):
    evaluation = trained(name, tmp_path, 50)
    folder = Path(tracking.published.source(evaluation.checkpoint.run_id).removeprefix("file://"))
    (folder / "weights.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(UserError, match=r"weights\.safetensors of MLflow run"):
        register_model(evaluation, Policy(), name)
    assert tracking.aliases(name) == {}


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize(
    ("step", "when"), [("register", "before"), ("register", "after"), ("set_alias", "before"), ("set_alias", "after")]
)
def test_cut_off_at_any_step_the_same_call_finishes_it(name, tmp_path, monkeypatch, step, when):
    name = name.replace("[", "-").replace("]", "")
    run(name, tmp_path, 50)
    evaluation = trained(f"{name}-1", tmp_path, 10, 1)
    real = getattr(tracking, step)

    def killed(*arguments, **named):
        if when == "after":
            real(*arguments, **named)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(register.tracking, step, killed)
        with pytest.raises(Killed):
            register_model(evaluation, Policy(), name)
    assert tracking.load_version(name, "champion")
    finished = register_model(evaluation, Policy(), name)
    assert (finished.version, finished.decision, finished.alias) == (2, "PROMOTE", "champion")
    assert [v.version for v in tracking.list_versions(name, orphans=True)] == [2, 1]
    assert [move.version for move in tracking.history(name)] == [1, 2]
    assert tracking.aliases(name) == {"champion": 2}
    assert register_model(evaluation, Policy(), name).skipped


def test_cut_off_between_ledger_and_alias_the_same_call_finishes_it(name, tmp_path):
    run(name, tmp_path, 50)
    evaluation = trained(f"{name}-1", tmp_path, 10, 1)
    key = digest([evaluation.checkpoint.run_key, register._digest(evaluation)])
    verdict = decide(evaluation, None, Policy())
    tracking.register(name, evaluation.checkpoint.run_id, evaluation, verdict, key, "", {})
    ledger.append(name, "champion", 2, "register", "killed here")
    assert tracking.aliases(name) == {"champion": 1}
    finished = register_model(evaluation, Policy(), name)
    assert (finished.version, finished.alias, len(tracking.history(name))) == (2, "champion", 2)
    assert tracking.aliases(name) == {"champion": 2}


def test_with_an_alias_moved_outside_nothing_is_registered(name, tmp_path):
    run(name, tmp_path, 50)
    registered(name, tmp_path, 40, 7)
    client().set_registered_model_alias(name, "champion", "2")
    with pytest.raises(UserError, match="moved outside genfoundry"):
        run(name, tmp_path, 10, 1)
    assert len(tracking.list_versions(name)) == 2


CLEAN = """
import hashlib, json, sys
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
images = model.predict(pd.DataFrame({"seed": [3, 1, 3, 9], "label": [0, 1, 0, 5]}))
schema = [model.metadata.signature.inputs.input_names(), model.metadata.signature.outputs.inputs[0].shape]
print(json.dumps([images.shape, str(images.dtype), hashlib.sha256(images.tobytes()).hexdigest(), *schema]))
"""


def test_pyfunc_loads_the_champion_in_a_clean_process_and_draws_the_same_bytes(name, tmp_path, home):
    import numpy as np
    import pandas as pd

    from genfoundry.tasks.generation.predictor import Predictor
    from genfoundry.tracking import load_version

    run(name, tmp_path, 50)
    command = [sys.executable, "-c", CLEAN, f"models:/{name}@champion"]
    env = {"PATH": os.environ["PATH"], "MLFLOW_TRACKING_URI": tracking.uri(), "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    shape, kind, found, columns, served = json.loads(done.stdout.splitlines()[-1])
    assert (shape, kind, columns, served) == ([4, 8, 8, 1], "uint8", ["seed", "label"], [-1, 8, 8, 1])
    rows = pd.DataFrame({"seed": [3, 1, 3, 9], "label": [0, 1, 0, 5]})
    model: Any = load_version(name, "champion")
    here = Predictor(model).predict(rows)
    assert tracking.diagnose(name) == [], "MLflow's own file beside a loaded model is no damage"
    assert hashlib.sha256(np.ascontiguousarray(here).tobytes()).hexdigest() == found
