"""What reviews a project's changes on a server, and what serves it in containers; both are written only when asked."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..servers.declarations import POOL
from .changes import Beginning, Change, new

REVIEWS = {"github": ".github/workflows/genfoundry.yml", "gitlab": ".gitlab-ci.yml"}
"""Where each server looks for what it is to do, below the top of the repository."""

COMPOSITION = "compose.genfoundry.yaml"
TEMPLATES = Path(__file__).parent / "templates"


def reviewed(begun: Beginning, host: str) -> list[Change]:
    """The workflow that says of each proposed change what it does to quality."""
    top = begun.repository or begun.root
    folder = json.dumps(os.path.relpath(begun.root, top), ensure_ascii=False)[1:-1]  # it stands between quotes
    text = _filled(host, THE_FOLDER=folder, THE_DISTRIBUTION=f"genfoundry{begun.mark.requires}")
    return [new(top / REVIEWS[host], text, "genfoundry ci on each proposed change")]


def composed(begun: Beginning) -> list[Change]:
    """The composition of the published image with this project in it."""
    text = _filled("compose", THE_PROJECT=begun.name.replace("_", "-").lower(), THE_POOL=begun.mark.named(POOL))
    return [new(begun.root / COMPOSITION, text, "servers and workers in containers, see its head")]


def _filled(name: str, **words: str) -> str:
    text = (TEMPLATES / f"{name}.yaml").read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(word, value)
    return text
