"""A project of somebody's own in a git repository: a mark, two own families that share a helper, their recipes."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from pathlib import Path

from support import cloned

FAMILY = '''"""A perceptron of our own.

Nobody, 2020.
"""

from acme_lab.units import {unit}
from genfoundry.models.mlp import MLP

SCALE = 1.0


class {name}(MLP):
    """It scales what it embeds."""

    class Config(MLP.Config):
        width: int = 16

    def embed(self, batch):
        return SCALE * {unit}(self.hidden(batch.images))
'''
UNITS = """import torch


def same(value):
    return value
"""
RECIPE = """title: Tiny
dataset: {name: digits}
model: {family: "acme:FAMILY"}
training: {max_steps: 4, batch_size: 8, ema_decay: 0, snapshot_every: 4, sample_every: 4, accelerator: cpu}
"""
MARK = 'slug = "acme"\npackage = "acme_lab"\n'
IGNORED = ".genfoundry/\ndata/\n__pycache__/\n"


def made(repository: Path, below: str = "") -> Path:
    """The project, in a new repository (or a subfolder of one) of one commit on main. Returns its folder."""
    root = repository / below
    files = {
        "genfoundry.toml": MARK,
        ".gitignore": IGNORED,
        "acme_lab/__init__.py": "",
        "acme_lab/units.py": UNITS,
        "acme_lab/models/__init__.py": "",
        "acme_lab/models/first.py": FAMILY.format(name="First", unit="same"),
        "acme_lab/models/second.py": FAMILY.format(name="Second", unit="same"),
        "recipes/one.yaml": RECIPE.replace("FAMILY", "first"),
        "recipes/child.yaml": "from: one\ntraining: {max_steps: 5}\n",
        "recipes/two.yaml": RECIPE.replace("FAMILY", "second"),
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    cloned.git(repository, "init", "--quiet", "--initial-branch=main")
    cloned.commit(repository, "A project")
    return root


def environment(root: Path) -> dict[str, str]:
    """Variables for `cloned.genfoundry`: the installed genfoundry, in a project of somebody's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_"))}
    return {
        **inherited,
        "PYTHONDONTWRITEBYTECODE": "1",
        "GENFOUNDRY_ROOT": str(root),
        "OMP_NUM_THREADS": "1",
        "PREFECT_HOME": str(root / ".genfoundry" / "prefect"),
    }


def wheel(folder: Path, version: str) -> Path:
    """A wheel of this working tree's code under another version's number, without what it requires."""
    info = f"genfoundry-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: genfoundry\nVersion: {version}\nRequires-Dist: numpy>=2\n"
    files = {f"{info}/METADATA": metadata.encode()}
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    for home, name in ((cloned.HERE / "src" / "genfoundry", "genfoundry"), (cloned.HERE / "flows", "genfoundry_flows")):
        for path in home.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                files[f"{name}/{path.relative_to(home).as_posix()}"] = path.read_bytes()
    first = files["genfoundry/__init__.py"].decode()
    start, _, rest = first.partition('__version__ = "')
    files["genfoundry/__init__.py"] = f'{start}__version__ = "{version}"{rest.partition(chr(34))[2]}'.encode()
    rows = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append(f"{name},sha256={digest},{len(content)}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"genfoundry-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,", ""]))
    return path
