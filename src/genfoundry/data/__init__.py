"""What kinds of data share on the way in: listing, decoding, columns, quarantine, versions; for Python users `add`,
`list` and `build`, opened when they are first asked for.
"""

from importlib import import_module

__all__ = ["add", "build", "list"]


def __getattr__(name: str) -> object:
    if name in __all__:  # by name, as in `genfoundry/__init__.py`: the wiring is above
        return getattr(import_module("genfoundry_flows.public.datasets"), name)
    raise AttributeError(f"module 'genfoundry.data' has no attribute '{name}'")
