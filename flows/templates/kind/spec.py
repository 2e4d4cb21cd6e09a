"""What numbers look like."""

from typing import Literal

from genfoundry.records import Spec

NOUN = "numbers"


class TemplateSpec(Spec):
    """Every number lies between 0 and `highest`."""

    kind: Literal["template"] = "template"
    highest: float


SPEC = TemplateSpec


def first_training(spec: TemplateSpec) -> tuple[str, dict[str, int]]:
    """No shipped recipe reads them."""
    return "generation", {}
