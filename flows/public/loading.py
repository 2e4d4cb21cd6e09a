"""Registered models for Python users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .entering import enter

if TYPE_CHECKING:
    from genfoundry.stages.draw import LoadedVersion
    from genfoundry.tracking import ModelInfo


class LoadedModel:
    """A registered version with its weights in memory."""

    def __init__(self, loaded: LoadedVersion) -> None:
        self._loaded = loaded

    @property
    def name(self) -> str:
        """The registered model's name, with the project's slug where it has one."""
        return self._loaded.info.name

    @property
    def version(self) -> int:
        """The number of the version."""
        return self._loaded.info.version

    @property
    def card(self) -> str:
        """What it is, on whose data, how good, why the gate decided so: Markdown."""
        return self._loaded.info.description

    def sample(self, number: int | None = None, *, seed: int = 0, **wishes: Any) -> Any:
        """What the model makes. The same seed gives the same, and fewer are the first of more.

        Images: uint8 (N, H, W, C), the pixels that `genfoundry generate` writes. Series: float64 (N, series, H),
        possible futures after each series' last value. Tables: a DataFrame of N rows.

        Args:
            number: how many (16); not asked of a model that makes one of each image that it is given.
            wishes: what `genfoundry generate --help` lists, by the names of its task: `label` (`--class`), `image`
                (`--input`), `until`.

        Raises:
            UserError: the model makes no samples, or can't do what is asked.
        """
        from genfoundry.stages.draw import draw

        return draw(self._loaded, number, {"seed": seed, **wishes})

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """What MLflow serves: the answer to a table or array, in the shape that the version's signature says.

        Raises:
            UserError: the data are not what the model takes.
        """
        return self._loaded.task.predictor(self._loaded.model).predict(data, params)

    def __repr__(self) -> str:
        return f"<{self.name} version {self.version}, {self._loaded.entry.name} of {self._loaded.checkpoint.recipe}>"

    def _repr_markdown_(self) -> str:
        return self.card


def load(reference: str) -> LoadedModel:
    """Load a registered model, once every file was held against the registry's digests.

    Args:
        reference: `NAME`, its champion or, where it has none, its newest version; `NAME@champion`, or another alias;
            `NAME/3`. The project's slug need not be written.

    Raises:
        UserError: there is no such version, or it is not what was registered; nothing was loaded.
    """
    enter()
    from genfoundry.stages.draw import load_reference

    return LoadedModel(load_reference(reference))


def registered() -> list[ModelInfo]:
    """Every registered model of the project by name, with the versions that are champion and challenger."""
    enter()
    from genfoundry import tracking

    return tracking.list_models()
