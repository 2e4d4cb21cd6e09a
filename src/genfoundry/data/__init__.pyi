from genfoundry_flows.public.datasets import add as add
from genfoundry_flows.public.datasets import build as build
from genfoundry_flows.public.datasets import list as list  # noqa: A004

__all__ = ["add", "build", "list"]
