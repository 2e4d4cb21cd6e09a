"""A tracker that is not there, is deaf, or can't be opened: told in seconds, in a sentence."""

from __future__ import annotations

import socket
import time

import pytest

from genfoundry import tracking


def test_a_dead_server_is_named_within_seconds_and_no_password(sqlite, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(tracking.TrackerDown) as caught:
        tracking.log_metrics("0" * 32, [("a", 1.0, 0, 0)])
    assert time.monotonic() - began < 15
    assert "127.0.0.1:9 does not answer" in caught.value.found
    assert "MLFLOW_TRACKING_URI" in caught.value.remedy
    assert "secret" not in str(caught.value)


def test_a_server_that_never_answers_is_given_up(sqlite, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(tracking.TrackerDown):
            tracking.find_run("a")
        assert time.monotonic() - began < 15


def test_a_database_that_cannot_be_opened_is_named(sqlite, monkeypatch, tmp_path):
    (tmp_path / "mlflow.db").mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(tracking.TrackerDown, match=r"mlflow\.db does not answer"):
        tracking.find_run("a")
