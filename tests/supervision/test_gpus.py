"""One training a GPU. There is no GPU here: the names come from the variable, or from a program that stands in."""

from __future__ import annotations

import threading
import time

import pytest

from genfoundry.supervision import gpus as graphics
from genfoundry.supervision.gpus import gpus, own_gpu


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(graphics.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(graphics, "WAIT_SECONDS", 0.02)


def test_two_trainings_get_two_gpus_and_a_third_waits(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    got: list[str] = []

    def third() -> None:
        with own_gpu("auto") as seen:
            got.append(seen["CUDA_VISIBLE_DEVICES"])

    with own_gpu("auto") as first, own_gpu("gpu") as second:
        assert (first, second) == ({"CUDA_VISIBLE_DEVICES": "2"}, {"CUDA_VISIBLE_DEVICES": "5"})
        waiting = threading.Thread(target=third)
        waiting.start()
        time.sleep(0.1)
        assert got == []
    waiting.join(5)
    assert got[0] in ("2", "5")


def test_a_training_on_the_processor_takes_none(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with own_gpu("cpu") as seen:
        assert seen == {}
        with own_gpu("auto") as other:
            assert other == {"CUDA_VISIBLE_DEVICES": "0"}


@pytest.mark.parametrize(("hidden", "expected"), [("", []), ("-1", []), ("0, 3", ["0", "3"])])
def test_the_variable_decides(monkeypatch, hidden, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert gpus() == expected


def test_else_the_driver_is_asked(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == []
    stand_in = tmp_path / "nvidia-smi"
    stand_in.write_text("#!/bin/sh\necho 0\necho 1\n")
    stand_in.chmod(0o755)
    assert gpus() == ["0", "1"]
    stand_in.write_text("#!/bin/sh\nexit 9\n")
    assert gpus() == []
