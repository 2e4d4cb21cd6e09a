"""What numbers look like."""

from typing import Literal

from genfoundry.records import Spec

NOUN = "numbers"


class ToySpec(Spec):
    """Every number lies between 0 and `highest`."""

    kind: Literal["toy"] = "toy"
    highest: float


SPEC = ToySpec


def first_training(spec: ToySpec) -> tuple[str, dict[str, int]]:
    """No shipped recipe reads them."""
    return "generation", {}
