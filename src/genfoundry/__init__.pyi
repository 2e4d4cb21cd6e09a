# Where the package is installed its wiring is found; pyright does not follow an editable installation to it.
from genfoundry_flows.public import LoadedModel as LoadedModel  # pyright: ignore[reportMissingImports]
from genfoundry_flows.public import Result as Result  # pyright: ignore[reportMissingImports]
from genfoundry_flows.public import load as load  # pyright: ignore[reportMissingImports]
from genfoundry_flows.public import registered as registered  # pyright: ignore[reportMissingImports]
from genfoundry_flows.public import run as run  # pyright: ignore[reportMissingImports]

from genfoundry import data as data

__all__ = ["LoadedModel", "Result", "data", "load", "registered", "run"]
__version__: str
