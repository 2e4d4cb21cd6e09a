import math

import pytest
import torch
from contracts import IMAGE_SPECS, batch_of, check_model

from genfoundry.loader import build_model
from genfoundry.losses import discretised_logistic
from genfoundry.models.vae import VAE
from genfoundry.records import ImageSpec


@pytest.mark.parametrize("spec", IMAGE_SPECS, ids=str)
def test_contract(spec, tmp_path):
    check_model("vae", spec, tmp_path)


def test_the_bound_stays_under_the_likelihood_that_it_bounds():
    """With one latent dimension the likelihood is an integral over a line, so it can be computed."""
    torch.manual_seed(0)
    spec = ImageSpec(channels=1, height=4, width=4)
    model = build_model("vae", spec, {"latent_dim": 1, "width": 4, "blocks": 0})
    assert isinstance(model, VAE)
    images = batch_of(spec.model_copy(update={"num_classes": 2}), 6).images
    grid = torch.linspace(-8, 8, 4001)[:, None]
    with torch.no_grad():
        means = model.decoder(grid)  # (4001, 1, 4, 4)
        prior = -grid[:, 0].square() / 2 - math.log(2 * math.pi) / 2
        for image in images:
            nats = discretised_logistic(image[None], means, model.log_scale).flatten(1).sum(1)
            exact = torch.logsumexp(nats.double() + prior, 0) + math.log(16 / 4000)
            many = image[None].repeat(4000, 1, 1, 1)
            likelihood, kl = model.terms(many, torch.Generator().manual_seed(0))
            draws = likelihood - kl.sum(1)
            assert draws.mean() - 4 * draws.std() / math.sqrt(len(draws)) <= exact


def test_what_was_never_seen_is_more_surprising_than_the_training_data(tmp_path):
    torch.manual_seed(0)
    model = build_model("vae", IMAGE_SPECS[2], {"width": 4, "latent_dim": 2, "components": 2})
    calm = [type(b)(b.images * 0.1, b.labels) for b in (batch_of(IMAGE_SPECS[2], 64, seed) for seed in range(2))]
    model.eval()
    model.after_training(calm)
    seen, strange = calm[0], batch_of(IMAGE_SPECS[2], 64, 9)
    assert abs(model.anomaly_score(seen).mean()) < 1
    assert model.anomaly_score(strange).min() > model.anomaly_score(seen).max()
