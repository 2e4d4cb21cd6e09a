import math

import pytest
import torch
from support.contracts import IMAGE_SPECS, batch_of, check_model

from genfoundry.kinds.image.spec import ImageSpec
from genfoundry.modelling.losses import discretised_logistic
from genfoundry.models.vae import VAE
from genfoundry.training.loader import build_model


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


def test_free_bits_are_paid_for_whether_they_are_used_or_not():
    """Kingma 2016, App. C.8: a code that holds less costs as much, so nothing pulls it to nothing."""
    losses, gradients = {}, {}
    for free in (0.0, 5.0):
        torch.manual_seed(0)
        model = build_model("vae", IMAGE_SPECS[2], {"latent_dim": 4, "free_bits": free})
        batch = batch_of(IMAGE_SPECS[2], 16)

        def update(name, loss, clip=None, model=model, free=free):
            loss.backward()
            gradients[free] = model.encoder[-1].bias.grad[4:].clone()  # of the log-variances

        torch.manual_seed(1)
        losses[free] = model.training_step(batch, 0, update)
    assert losses[0.0]["kl"] < 4 * 5.0
    torch.testing.assert_close(losses[5.0]["negative_elbo"], losses[0.0]["negative_elbo"] - losses[0.0]["kl"] + 4 * 5.0)
    assert not torch.equal(gradients[0.0], gradients[5.0])
