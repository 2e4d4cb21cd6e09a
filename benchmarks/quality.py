"""The plain DCGAN of the 2016 paper on a data set of the catalogue, judged as ours is.

    python -m benchmarks.quality train FOLDER --seconds 600     the plain loop; keeps its generator every 30 seconds
    python -m benchmarks.quality judge FOLDER --recipe NAME     its scores, at the wall-clock that NAME's run took

Both read the project of GENFOUNDRY_ROOT. `judge` needs a run of the recipe there, and uses its extractor and protocol.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import click
import torch
from genfoundry_flows import recipes  # pyright: ignore[reportMissingImports]
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor

from benchmarks.networks import dcgan_2016
from benchmarks.plain import Pictures, adversarial, pairs
from genfoundry import tracking
from genfoundry.dataset import open_version
from genfoundry.judging.features import Extractor
from genfoundry.kinds.image import storage
from genfoundry.kinds.image.rows import ImageBatch
from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.model import Model
from genfoundry.project.root import data_dir
from genfoundry.records import Evaluation
from genfoundry.tasks.generation.judge import judge as judge_images

LATENT, BATCH = 100, 128  # §4


class Plain(Model):
    """The plain generator, as the judge takes a model."""

    kind = "image"

    def __init__(self, spec: ImageSpec) -> None:
        super().__init__(spec, Model.Config())
        self.generator = dcgan_2016(LATENT)[0]

    @torch.no_grad()
    def sample(self, like: ImageBatch, generator: Generator | None = None) -> Tensor:
        return self.generator(torch.randn(len(like), LATENT, 1, 1, generator=generator))


@click.group()
def main() -> None:
    """Quality beside the plain loop."""


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seconds", default=600.0, help="Wall-clock of training.")
@click.option("--every", default=30.0, help="Seconds between two generators that are kept.")
@click.option("--data", default="fashion-mnist", help="Data set, 28×28.")
@click.option("--seed", default=0)
def train(folder: Path, seconds: float, every: float, data: str, seed: int) -> None:
    """Train the plain DCGAN on one thread; keep `<step>.safetensors` and a line of `clock.jsonl` for each."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    images = storage.read(data_dir() / data, "train").images
    generator, discriminator = dcgan_2016(LATENT)
    began, used, kept = time.monotonic(), time.process_time(), 0.0
    steps = adversarial(generator, discriminator, pairs(Pictures(images, 28), BATCH), (LATENT, 1, 1))
    for step, (loss_g, loss_d) in enumerate(steps, 1):
        wall = time.monotonic() - began
        if wall - kept >= every or wall >= seconds:
            kept = wall
            save_file(generator.state_dict(), folder / f"{step}.safetensors")
            line = {"step": step, "wall": wall, "cpu": time.process_time() - used, "g": loss_g, "d": loss_d}
            with (folder / "clock.jsonl").open("a") as clock:
                clock.write(json.dumps(line) + "\n")
        if wall >= seconds:
            return


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--recipe", default="dcgan-fashion", help="Whose run it is compared with.")
@click.option("--cpu", type=float, help="Choose by this many seconds of the process instead of by wall-clock.")
def judge(folder: Path, recipe: str, cpu: float | None) -> None:
    """Score the plain generator that had at least the time that our run took."""
    plan = recipes.load(recipe)
    ours = _evaluation(plan.registered_name)
    clock = [json.loads(line) for line in (folder / "clock.jsonl").read_text().splitlines()]
    enough = (lambda t: t["cpu"] >= cpu) if cpu else (lambda t: t["wall"] >= ours.checkpoint.cost.seconds)
    chosen = next(filter(enough, clock), clock[-1])
    model = Plain(ImageSpec(channels=1, height=28, width=28, num_classes=10))
    state = load_file(folder / f"{chosen['step']}.safetensors")
    model.generator.load_state_dict(state)
    classifier = _evaluation(recipes.load(plan.evaluation.extractor or "").registered_name).checkpoint
    extractor = Extractor(tracking.load_checkpoint(classifier), classifier.weights_digest[:8])
    out = folder / "gallery"
    out.mkdir(exist_ok=True)
    judged = judge_images(model, open_version(ours.checkpoint.dataset).folder, plan.evaluation, extractor, out)
    print(
        f"plain loop at step {chosen['step']}: {chosen['wall']:.0f} s of wall-clock, {chosen['cpu']:.0f} s of one core"
    )
    print(f"{recipe}: {ours.checkpoint.cost.steps} steps in {ours.checkpoint.cost.seconds:.0f} s of wall-clock")
    for name, scores in ((recipe, ours.scores), ("plain loop", judged.scores)):
        for score in scores:
            interval = f"[{score.low:.4f}, {score.high:.4f}]"
            print(f"{name:<16} {score.name:<44} {score.subject:<16} {score.value:9.4f} {interval}")


def _evaluation(name: str) -> Evaluation:
    found = max(tracking.list_versions(name), key=lambda info: info.version, default=None)
    if found is None:
        raise click.ClickException(f"{name} was not run here: genfoundry run {name}")
    return tracking.evaluation_of(found)


if __name__ == "__main__":
    main()
