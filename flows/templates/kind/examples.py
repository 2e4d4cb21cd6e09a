"""What the contracts of this kind, and of families that read it, are tried on: see `genfoundry.kind.ExamplesPart`."""

from pathlib import Path

from torch import Tensor

from .spec import TemplateSpec

SPECS = (TemplateSpec(highest=100.0), TemplateSpec(highest=1.0))


def flaw(samples: Tensor, spec: TemplateSpec) -> str:
    """Samples are float32 (B,), each in its range."""
    if samples.ndim != 1:
        return f"they have the shape {tuple(samples.shape)} instead of (B,)"
    return "" if ((samples >= 0) & (samples <= spec.highest)).all() else f"not all lie in 0 to {spec.highest}"


def write_files(folder: Path) -> Path:
    """Four hundred numbers."""
    path = folder / "numbers.template"
    path.write_text("\n".join(str(number % 50) for number in range(400)))
    return path
