"""Print what the image installs before the source: the dependencies of a pyproject.toml, and those of its servers."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"]
print("\n".join([*project["dependencies"], *project["optional-dependencies"]["servers"]]))
