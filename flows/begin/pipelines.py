"""What reviews a project's changes on a server, and what serves it in containers; both are written only when asked."""

from __future__ import annotations

import os
from importlib.resources import files

from .changes import Beginning, Change, new

REVIEWS = {"github": ".github/workflows/genfoundry.yml", "gitlab": ".gitlab-ci.yml"}
"""Where each server looks for what it is to do, below the top of the repository."""


def reviewed(begun: Beginning, host: str) -> list[Change]:
    """The workflow that says of each proposed change what it does to quality."""
    top = begun.repository or begun.root
    where = os.path.relpath(begun.root, top)
    text = _template(host).replace("REQUIRED", f"genfoundry{begun.mark.requires}").replace("FOLDER", where)
    return [new(top / REVIEWS[host], text, "genfoundry ci on each proposed change")]


def composed(begun: Beginning) -> list[Change]:
    """The composition of the published image with this project in it."""
    text = _template("compose").replace("PROJECT", begun.name)
    return [new(begun.root / "compose.genfoundry.yaml", text, "servers and workers in containers, see its head")]


def _template(name: str) -> str:
    return (files("genfoundry_flows.begin") / "templates" / f"{name}.yaml").read_text(encoding="utf-8")
