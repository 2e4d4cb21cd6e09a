from genfoundry_flows.public import LoadedModel as LoadedModel
from genfoundry_flows.public import Result as Result
from genfoundry_flows.public import load as load
from genfoundry_flows.public import registered as registered
from genfoundry_flows.public import run as run

from genfoundry import data as data

__all__ = ["LoadedModel", "Result", "data", "load", "registered", "run"]
__version__: str
