"""What a person sees while a training runs, where there is no terminal."""

import io

from genfoundry_flows.progress import Screen
from rich.console import Console


def test_what_is_done_after_the_last_step_is_said_whenever_it_comes():
    screen, shown = Screen(), io.StringIO()
    screen.console = Console(file=shown, width=120)
    screen.training("vae", 100, 100, {"train/loss": 1.5})
    screen.training("vae", 100, 100, {"train/loss": 1.25})  # a moment later: not worth another line
    screen.training("vae", 100, 100, {}, "the last fit, on 1,000 examples")
    first, second = shown.getvalue().splitlines()
    assert first.endswith("step 100/100  loss 1.5")
    assert second.endswith("step 100/100  the last fit, on 1,000 examples")
