"""Whoever reads the output goes away, or a server's connection breaks: real pipes, real processes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from support.services import prefect_server
from support.trained import digits

GENFOUNDRY = Path(sys.executable).with_name("genfoundry")
LONG = ("training.max_steps=100000", "training.batch_size=32", "training.snapshot_every=20")


def piped(root: Path, arguments: str, reader: str, both: bool = False) -> tuple[int, str]:
    """The exit status of the command whose output `reader` reads, and what it said besides."""
    said, status = root / "said", root / "status"
    errors = "2>&1" if both else f"2>{shlex.quote(str(said))}"
    line = f"{{ {shlex.quote(str(GENFOUNDRY))} {arguments} {errors}; echo $? >{shlex.quote(str(status))}; }} | {reader}"
    env = {**os.environ, "GENFOUNDRY_ROOT": str(root), "OMP_NUM_THREADS": "1"}
    subprocess.run(["bash", "-c", line], env=env, cwd=root, capture_output=True, timeout=300, check=False)
    return int(status.read_text()), said.read_text() if said.exists() else ""


@pytest.mark.parametrize("arguments", ["--help", "run --help", "models --json", "models", "data list --json"])
@pytest.mark.parametrize("reader", ["head -1", "true"])
def test_a_reader_that_leaves_ends_a_command_quietly(root, arguments, reader):
    """`head` reads one line; `true` is gone before the first."""
    _, said = piped(root, arguments, reader)
    assert said == ""


def test_what_nobody_reads_at_all_ends_as_a_shell_expects(root):
    assert piped(root, "models --json", "exec 0<&-; true") == (141, "")


def test_an_error_that_nobody_reads_is_no_traceback(root):
    status, said = piped(root, "run dcgna", "true", both=True)
    assert said == ""
    assert status in (2, 141)


SOCKET = """
import socket, sys
import click
from genfoundry_flows import cli
@cli.cli.command()
def speak():
    ours, theirs = socket.socketpair()
    theirs.close()
    ours.sendall(b"an event")
sys.argv = ["genfoundry", "speak"]
cli.main()
"""


def test_a_socket_that_broke_does_not_end_the_process_without_a_word(root):
    """SIGPIPE at its default ended it with 141; click takes every broken pipe for that of the output."""
    env = {**os.environ, "GENFOUNDRY_ROOT": str(root)}
    done = subprocess.run([sys.executable, "-c", SOCKET], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert "A connection to a server broke" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_process_that_is_started_ignores_the_signal_too():
    """`subprocess` gives a child the default back; Python, which every child of ours is, ignores it at its start."""
    code = "import signal; print(signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True\n"


def left_over(root: Path) -> list[str]:
    """Processes that still work for the project."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("GENFOUNDRY_ROOT") == str(root):
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found


def settings(*more: str) -> list[str]:
    return [part for setting in (*LONG, *more) for part in ("--set", setting)]


@pytest.mark.slow
@pytest.mark.servers
def test_a_run_whose_reader_leaves_saves_and_ends_and_leaves_no_server(root):
    digits(root)
    status, _ = piped(root, f"run gan --data digits {shlex.join(settings())}", "head -1", both=True)
    assert status == 143
    assert left_over(root) == []
    assert list(root.glob(".genfoundry/jobs/*/snapshot-*.safetensors")) or not list(root.glob(".genfoundry/jobs/*"))


@pytest.mark.slow
@pytest.mark.servers
def test_a_run_that_was_suspended_while_its_server_was_restarted_ends_with_an_outcome(root):
    digits(root)
    servers = root / "servers"
    env = {**os.environ, "GENFOUNDRY_ROOT": str(root), "OMP_NUM_THREADS": "1"}
    over = settings("training.max_steps=400", "evaluation.extractor=null", "evaluation.num_samples=64")
    command = [GENFOUNDRY, "run", "gan", "--data", "digits", "--json", "--no-report", *over]
    with prefect_server(servers) as address:
        port = int(address.split(":")[2].partition("/")[0])
        run = subprocess.Popen(
            command, cwd=root, env={**env, "PREFECT_API_URL": address}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert run.stderr
        said = next(line for line in run.stderr if " step " in line)
        run.send_signal(signal.SIGSTOP)
    time.sleep(2)  # the server is killed, and every connection to it with it
    with prefect_server(servers, port):
        run.send_signal(signal.SIGCONT)
        shown, errors = run.communicate(timeout=240)
    assert run.returncode == 0, said + errors
    (version,) = json.loads(shown)["versions"]
    assert version["decision"] in ("PROMOTE", "HOLD", "REJECT")
    assert "Traceback" not in errors
