"""What made rows of a table teach beside the real ones, all rows of it, seed by seed.

    python -m benchmarks.tables argn-flights --seeds 3      trains each seed, unless it is trained, and prints one line

The rare class of the target is predicted for real test rows by gradient boosting that learned from as many made rows as
there are training rows (Esteban 2017, §4.2, TSTR). The pipeline's judge cuts both sides to fewer rows. Reads the
project of GENFOUNDRY_ROOT. CPU seconds are those of the training process, from its own cost record.
"""

from __future__ import annotations

import click
from genfoundry_flows import recipes  # pyright: ignore[reportMissingImports]

from genfoundry import tracking
from genfoundry.dataset import open_version
from genfoundry.metrics.utility import Utility
from genfoundry.records import ValidatedDataset
from genfoundry.stages.fetch import fetch_dataset
from genfoundry.stages.train import train_model
from genfoundry.stages.validate import validate_dataset
from genfoundry.tasks.synthesis import tables
from genfoundry.tasks.synthesis.utility import DownstreamTask


@click.command()
@click.argument("name")
@click.option("--seeds", default=3, show_default=True, help="How many, from 0.")
def main(name: str, seeds: int) -> None:
    """Average precision of made rows and of real ones, by seed of the training."""
    recipe = recipes.load(name)
    validated = validate_dataset(fetch_dataset(recipe.dataset.name), recipe.validation)
    folder, spec = open_version(validated.version).folder, validated.version.spec
    real = tables.read(folder, spec)  # pyright: ignore[reportArgumentType]
    for seed in range(seeds):
        made, level, seconds = _measured(name, seed, validated, real)
        click.echo(f"{name} {seed}: {made:.3f} of {level:.3f}, {made / level:.2f} of real; trained in {seconds:.0f} s")


def _measured(name: str, seed: int, validated: ValidatedDataset, real: tables.RealTable) -> tuple[float, float, float]:
    recipe = recipes.load(name, {"training.seed": seed, "training.threads": 1})
    checkpoint = train_model(name, validated, recipe.model, recipe.training)
    model, folder = tracking.load_checkpoint(checkpoint), open_version(validated.version).folder
    task = DownstreamTask(real, real.train, [0])
    (predictions,) = task.trained_on_synthetic(tables.generated(model, folder, len(real.train), [0]))
    made, (level,) = Utility.score(task.rare, predictions), task.trained_on_real()
    return made["auprc"], Utility.score(task.rare, level)["auprc"], checkpoint.cost.seconds


if __name__ == "__main__":
    main()
