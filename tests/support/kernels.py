"""A notebook's kernel: a real process, that is asked as a notebook asks it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

CURSOR = ("\x1b[?25", "\x1b[1A", "\x1b[2K", "\x1b[K", "\r\x1b")  # what bars on a terminal are drawn with


@contextmanager
def kernel(folder: Path, **variables: str) -> Iterator[Kernel]:
    """A kernel that works in a folder, and is gone in the end."""
    manager = KernelManager(kernel_name="python3")
    left_out = ("GENFOUNDRY_ROOT", "MLFLOW_TRACKING_URI", "PREFECT_API_URL", "PREFECT_HOME")
    env = {name: value for name, value in os.environ.items() if name not in left_out}
    path = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    manager.start_kernel(cwd=str(folder), env={**env, "OMP_NUM_THREADS": "1", "PATH": path, **variables})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=120)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)


class Kernel:
    """Cells, one after the other."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client

    def cell(self, code: str, interrupted_at: str = "", timeout: float = 400) -> list[dict[str, Any]]:
        """The outputs of a cell, as messages' contents; the kernel is interrupted once a cell prints that text."""
        asked = self.client.execute(code)
        outputs: list[dict[str, Any]] = []
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=timeout)
            except Empty:
                raise AssertionError(f"the cell is not done after {timeout} s: {outputs}") from None
            if message["parent_header"].get("msg_id") != asked:
                continue
            content = message["content"]
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                return outputs
            if message["msg_type"] in ("stream", "error", "execute_result", "display_data"):
                outputs.append(content)
            if interrupted_at and interrupted_at in content.get("text", ""):
                interrupted_at = ""
                self.manager.interrupt_kernel()


def texts(outputs: list[dict[str, Any]]) -> str:
    """All that a cell printed."""
    return "".join(output.get("text", "") for output in outputs)


def error(outputs: list[dict[str, Any]]) -> tuple[str, str]:
    """The name of the exception that ended a cell, and what the cell shows of it; both empty where none did."""
    ended = next((output for output in outputs if "ename" in output), {})
    return ended.get("ename", ""), "\n".join(ended.get("traceback", []))
