"""The published folder: what is loaded, and what is refused before anything of it runs."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tracked import SPEC, tiny_model

from genfoundry.errors import UserError
from genfoundry.files import file_digest
from genfoundry.training.loader import build_model, load_model

MLMODEL = "flavors:\n  python_function:\n    loader_module: genfoundry.served\n"


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "model"
    tiny_model(folder)
    (folder / "MLmodel").write_text(MLMODEL)
    return folder


@pytest.fixture
def folder(published, tmp_path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "model"))


def test_what_was_written_is_what_is_loaded(folder):
    torch.manual_seed(0)
    same = build_model("gan", SPEC, {"width": 8, "latent_dim": 4})
    loaded = load_model(folder)
    assert not loaded.training
    assert loaded.config == same.config
    assert all(torch.equal(a, b) for a, b in zip(same.state_dict().values(), loaded.state_dict().values(), strict=True))


def edit(path: Path, **changes) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(bytes(data))


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    shutil.move(path.with_name("elsewhere"), path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


DAMAGE = {
    "no weights": (lambda f: (f / "weights.safetensors").unlink(), "weights.safetensors is missing"),
    "no description": (lambda f: (f / "model.json").unlink(), "model.json is missing"),
    "flipped bit": (lambda f: flip(f / "weights.safetensors"), "has sha256"),
    "cut off": (lambda f: os.truncate(f / "weights.safetensors", 100), "has sha256"),
    "not JSON": (lambda f: (f / "model.json").write_text("{"), "is not JSON"),
    "not text": (lambda f: (f / "model.json").write_bytes(b"\xff\xfe{}"), "is not text"),
    "a list": (lambda f: (f / "model.json").write_text("[]"), "has format 'list'"),
    "format of the future": (lambda f: edit(f / "model.json", format=2), "has format 2"),
    "unknown key": (lambda f: edit(f / "model.json", _target_="os.system"), "is not a description"),
    "unknown family": (lambda f: edit(f / "model.json", family="dcgna"), "did you mean 'dcgan'?"),
    "family by path": (lambda f: edit(f / "model.json", family="../evil"), "There is no family '../evil'"),
    "other settings": (lambda f: edit(f / "model.json", config={"width": 16}), "does not fit the family 'gan'"),
    "setting out of range": (lambda f: edit(f / "model.json", config={"width": -1}), "does not fit the family 'gan'"),
    "huge description": (lambda f: os.truncate(f / "model.json", 65 << 20), "has 68157440 bytes"),
    "names of others": (lambda f: edit(f / "model.json", names=["a", "b"]), "2 different names for 10 classes"),
    "link": (lambda f: link(f / "weights.safetensors"), "does not belong"),
    "folder": (lambda f: (f / "code").mkdir(), "code does not belong"),
    "not a folder": (shutil.rmtree, "is not a folder"),
}


@pytest.mark.parametrize(("damage", "sentence"), DAMAGE.values(), ids=list(DAMAGE))
def test_a_damaged_folder_is_refused_in_a_sentence(folder, damage, sentence):
    damage(folder)
    with pytest.raises(UserError) as caught:
        load_model(folder)
    assert sentence in str(caught.value)


class Bomb:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def evil_code(marker: Path) -> str:
    return f"open({str(marker)!r}, 'w')\ndef _load_pyfunc(path):\n    return None\n"


def plant(folder: Path, marker: Path, attack: str) -> None:
    """Each is something that another loader would run."""
    weights = folder / "weights.safetensors"
    match attack:
        case "extra module":
            (folder / "evil.py").write_text(evil_code(marker))
        case "another loader":
            (folder / "evil.py").write_text(evil_code(marker))
            (folder / "MLmodel").write_text(MLMODEL.replace("genfoundry.served", "evil"))
        case "another loader, hidden":
            (folder / "MLmodel").write_text(MLMODEL.replace("genfoundry.served", "mlflow.sklearn"))
        case "code path":
            (folder / "MLmodel").write_text(MLMODEL + "    code: code\n")
        case "second flavor":
            (folder / "MLmodel").write_text(MLMODEL + "  sklearn:\n    pickled_model: model.pkl\n")
        case "object in YAML":
            (folder / "MLmodel").write_text(f"!!python/object/apply:os.mknod [{marker}]\n")
        case "pickle for weights":
            weights.write_bytes(pickle.dumps(Bomb(marker)))
            edit(folder / "model.json", weights_sha256=file_digest(weights))
        case "torch file for weights":
            torch.save({"a": Bomb(marker)}, weights)
            edit(folder / "model.json", weights_sha256=file_digest(weights))
        case "pickle beside":
            (folder / "python_model.pkl").write_bytes(pickle.dumps(Bomb(marker)))


ATTACKS = (
    "extra module", "another loader", "another loader, hidden", "code path", "second flavor", "object in YAML",
    "pickle for weights", "torch file for weights", "pickle beside",
)  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_folder_is_refused_and_nothing_of_it_runs(folder, tmp_path, monkeypatch, attack):
    marker = tmp_path / "marker"
    monkeypatch.chdir(folder)
    plant(folder, marker, attack)
    with pytest.raises(UserError):
        load_model(folder)
    assert not marker.exists()


def test_the_bomb_of_these_tests_works(tmp_path):
    pickle.loads(pickle.dumps(Bomb(tmp_path / "marker")))
    assert (tmp_path / "marker").exists()


def test_the_same_seed_gives_the_same_bytes_in_any_batch(folder):
    import mlflow
    import pandas as pd

    model = mlflow.pyfunc.load_model(str(folder))
    images = model.predict(pd.DataFrame({"seed": [3, 1, 3, 9], "label": [0, 1, 0, 5]}))
    assert (images.shape, images.dtype) == ((4, 8, 8, 1), np.uint8)
    assert (images[0] == images[2]).all()
    assert (images[0] != images[1]).any()
    assert (images[3] == model.predict(pd.DataFrame({"seed": [9]}))[0]).all()


def test_pyfunc_refuses_what_the_loader_refuses(folder, tmp_path):
    import mlflow

    plant(folder, tmp_path / "marker", "extra module")
    with pytest.raises(UserError, match=r"evil\.py does not belong"):
        mlflow.pyfunc.load_model(str(folder))
    assert not (tmp_path / "marker").exists()


def test_a_label_out_of_range_is_refused(folder):
    import pandas as pd

    from genfoundry.served import _load_pyfunc

    model: Any = _load_pyfunc(str(folder))
    with pytest.raises(UserError, match=r"There is no class '10'\.\nExpected: a number from 0 to 9; no names"):
        model.predict(pd.DataFrame({"seed": [1], "label": [10]}))


def test_a_classifier_serves_probabilities(tmp_path):
    from genfoundry.served import _load_pyfunc
    from genfoundry.training.loader import write_model

    model = build_model("cnn", SPEC, {})
    write_model(tmp_path / "cnn", "cnn", model, model.state_dict())
    served: Any = _load_pyfunc(str(tmp_path / "cnn"))
    given = served.predict(np.zeros((3, 8, 8, 1), np.uint8))
    assert given.shape == (3, 10)
    np.testing.assert_allclose(given.sum(1), 1, rtol=1e-5)
