# Where the package is installed its wiring is found; pyright does not follow an editable installation to it.
from genfoundry_flows.public.datasets import add as add  # pyright: ignore[reportMissingImports]
from genfoundry_flows.public.datasets import build as build  # pyright: ignore[reportMissingImports]
from genfoundry_flows.public.datasets import list as list  # noqa: A004  # pyright: ignore[reportMissingImports]

__all__ = ["add", "build", "list"]
