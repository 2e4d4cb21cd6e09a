"""The lock of a name in this checkout, among threads, processes and those that were killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from genfoundry.tracking.store import lock

HOLDING = """
import time
from genfoundry.tracking.store import lock
with lock("a name"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("GENFOUNDRY_ROOT", str(tmp_path))
    return tmp_path


def taken_by_a_thread() -> threading.Event:
    """Set once another thread of this process holds the name, which it lets go at once."""
    taken = threading.Event()

    def take() -> None:
        with lock("a name"):
            taken.set()

    threading.Thread(target=take, daemon=True).start()
    return taken


def test_the_thread_that_holds_a_name_may_take_it_again_and_no_other(root):
    with lock("a name"), lock("another"), lock("a name"):
        taken = taken_by_a_thread()
        assert not taken.wait(0.3)
    assert taken.wait(5)


def test_a_killed_holder_leaves_nothing_behind(root):
    child = subprocess.Popen([sys.executable, "-c", HOLDING], stdout=subprocess.PIPE, env={**os.environ})
    assert child.stdout
    assert child.stdout.readline() == b"held\n"
    taken = taken_by_a_thread()
    assert not taken.wait(0.3)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert taken.wait(5)


@pytest.fixture
def broken(root):
    """No lock can be made: a file lies where their folder would."""
    (root / ".genfoundry").mkdir()
    (root / ".genfoundry" / "locks").write_text("no folder")


def test_who_may_not_write_has_no_lock_and_goes_on(broken, monkeypatch):
    monkeypatch.setattr("genfoundry.tracking.store.os.access", lambda *_: False)  # root may write everywhere
    with lock("a name"):
        pass


def test_whoever_may_write_is_told(broken):
    with pytest.raises(OSError, match="locks"), lock("a name"):
        pass
