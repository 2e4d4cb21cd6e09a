"""genfoundry: a continuous-training factory for generative models.

What Python users call is opened when it is first asked for, so that importing this costs nothing: see
`help(genfoundry.run)`, `genfoundry.load`, `genfoundry.registered` and `genfoundry.data`. Its types are in
`__init__.pyi`.
"""

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["LoadedModel", "Result", "data", "load", "registered", "run"]


def __getattr__(name: str) -> object:
    if name == "data":
        return import_module("genfoundry.data")
    if name in __all__:  # the one place here that reaches up to the wiring, and by name: it runs flows
        return getattr(import_module("genfoundry_flows.public"), name)
    raise AttributeError(f"module 'genfoundry' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
