"""InfoGAN: losses, separation of gradients, and inference of the codes."""

import copy
import csv
import math
from pathlib import Path

import pytest
import torch
from conftest import Bvae
from torch import Tensor, nn

from bvae_cli.checkpoint import build_vae
from bvae_cli.config import build_params
from bvae_cli.images.spec import DataSpec
from bvae_cli.models.gan_forward_pass import GanForwardPass
from bvae_cli.models.image_discriminator import ImageDiscriminator
from bvae_cli.models.vae import VAE
from bvae_cli.objectives.info_gan import InfoGAN, discriminator_loss
from bvae_cli.objectives.objective import StepContext
from bvae_cli.training.trainer import Trainer

LATENTS, BATCH = 3, 4
SPEC = DataSpec("dsprites", 1, "bernoulli", {"shape": 3, "scale": 4})


def make_trainer(precision: str = "float32") -> Trainer:
    """Return a trainer of an untrained model and discriminator."""
    train = {"batch_size": BATCH, "learning_rate": 0.001, "precision": precision}
    params = build_params({"objective": {"name": "info_gan", "lambda_info": 0.5}, "train": train})
    torch.manual_seed(0)
    return Trainer(VAE("higgins_conv", "bernoulli", 1, LATENTS), SPEC, params, torch.device("cpu"))


def packed_images() -> Tensor:
    return torch.randint(256, (BATCH, 512), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def make_forward_pass(mean: Tensor, logvar: Tensor, noise: Tensor) -> GanForwardPass:
    """Return a forward pass with this inferred posterior, and black images."""
    nothing, black = torch.zeros(BATCH), torch.zeros(BATCH, 1, 64, 64)
    return GanForwardPass(noise, noise, noise, noise, nothing, noise, black, black, mean, logvar)


class MeanPixelDiscriminator(nn.Module):
    """A discriminator whose logit is the mean pixel of an image."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(1, 2, 3))[:, None]


def test_the_code_loss_is_a_gaussian_negative_log_likelihood() -> None:
    noise, mean, logvar = torch.randn(3, BATCH, LATENTS, generator=torch.Generator().manual_seed(0)).unbind()
    sigma = torch.exp(logvar / 2)
    nats = (((noise - mean) / sigma) ** 2 / 2 + torch.log(sigma * math.sqrt(2 * math.pi))).sum() / BATCH
    loss = InfoGAN()(
        make_forward_pass(mean, logvar, noise), StepContext({"lambda_info": 0.5}, 12, [MeanPixelDiscriminator()])
    )
    torch.testing.assert_close(loss, math.log(2) + 0.5 * nats)


def test_an_encoder_that_predicts_the_prior_has_its_entropy_as_loss() -> None:
    noise = torch.ones(BATCH, LATENTS)  # squares equal the expectation under the prior
    loss = InfoGAN()(
        make_forward_pass(0 * noise, 0 * noise, noise),
        StepContext({"lambda_info": 1.0}, 12, [MeanPixelDiscriminator()]),
    )
    assert loss.item() == pytest.approx(math.log(2) + LATENTS * math.log(2 * math.pi * math.e) / 2)


@pytest.mark.parametrize(("real", "fake"), [(0.0, 0.0), (1.0, -1.0), (-2.0, 0.5)])
def test_the_discriminator_loss_is_the_cross_entropy_plus_the_r1_penalty(real: float, fake: float) -> None:
    """The gradient of the mean pixel is 1 / 4,096 at each of 4,096 pixels."""
    empty, white = torch.zeros(BATCH, LATENTS), torch.ones(BATCH, 1, 64, 64)
    out = GanForwardPass(empty, empty, empty, empty, empty[:, 0], empty, real * white, fake * white, empty, empty)
    expected = -(math.log(1 / (1 + math.exp(-real))) + math.log(1 - 1 / (1 + math.exp(-fake)))) / 2
    assert discriminator_loss(MeanPixelDiscriminator(), out).item() == pytest.approx(expected + 10 / 2 / 4096, rel=1e-6)


def test_an_untrained_generator_maps_codes_to_distinct_images() -> None:
    torch.manual_seed(0)
    noise = torch.randn(64, 10)
    before = VAE("burgess", "bernoulli", 1, 10).decode(noise).std(dim=0).mean()
    vae = build_vae(build_params({"objective": {"name": "info_gan"}}), SPEC)
    assert vae.decode(noise).std(dim=0).mean() > 20 * before
    assert vae.decoder.get_parameter("2.weight").var().item() == pytest.approx(2 / 256, rel=0.02)


def test_images_are_generated_from_the_noise_and_get_instance_noise() -> None:
    vae, images, noise = (
        VAE("higgins_conv", "bernoulli", 1, LATENTS),
        torch.rand(BATCH, 1, 64, 64),
        torch.randn(BATCH, 3),
    )
    pixel_noise = torch.randn(2, BATCH, 1, 64, 64)
    out = InfoGAN().forward(vae, images, noise, StepContext({"instance_noise": 0.25}, 12, pixel_noise=pixel_noise))
    assert isinstance(out, GanForwardPass)
    generated, autoencoded = vae.decode(noise), vae(images, noise)
    torch.testing.assert_close(out.real, images + pixel_noise[0] / 4)
    torch.testing.assert_close(out.generated, generated + pixel_noise[1] / 4)
    torch.testing.assert_close((out.inferred_mean, out.inferred_logvar), vae.encode(generated))
    torch.testing.assert_close((out.reconstruction_loss, out.kl), (autoencoded.reconstruction_loss, autoencoded.kl))
    assert not out.reconstruction_loss.requires_grad


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_step_updates_model_and_discriminator(precision: str) -> None:
    trainer = make_trainer(precision)
    before = [[weight.clone() for weight in net.parameters()] for net in trainer.nets]
    trainer.step(packed_images(), 0)
    for weights, net in zip(before, trainer.nets, strict=True):
        assert not any(torch.equal(old, new) for old, new in zip(weights, net.parameters(), strict=True))


def test_gradients_of_model_and_discriminator_are_separate() -> None:
    trainer = make_trainer()
    vae, discriminator = copy.deepcopy(trainer.vae), copy.deepcopy(trainer.nets[1])
    trainer.step(packed_images(), 0)

    images = (
        (packed_images()[..., None] >> torch.arange(7, -1, -1, dtype=torch.uint8) & 1).float().view(BATCH, 1, 64, 64)
    )
    step = StepContext(
        {"lambda_info": 0.5, "instance_noise": 0.1}, 12, [discriminator], pixel_noise=trainer.pixel_noise
    )
    out = InfoGAN().forward(vae, images, trainer.noise, step)
    discriminator_loss(discriminator, out).backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is None for weight in vae.parameters())
    assert_same_gradients(trainer.nets[1], discriminator)
    discriminator.requires_grad_(False)
    InfoGAN()(out, step).backward()  # type: ignore[no-untyped-call]
    assert_same_gradients(trainer.nets[0], vae)


def assert_same_gradients(trained: nn.Module, expected: nn.Module) -> None:
    """Assert that a trained net got the gradients of its own loss only."""
    for one, other in zip(trained.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_the_discriminator_maps_an_image_to_one_logit() -> None:
    discriminator = ImageDiscriminator(3)
    assert discriminator(torch.rand(2, 3, 64, 64)).shape == (2, 1)
    assert [layer.negative_slope for layer in discriminator if isinstance(layer, nn.LeakyReLU)] == [0.2] * 5


def test_a_confident_discriminator_does_not_cause_nan_losses(bvae: Bvae, data: Path) -> None:
    options = ["--objective", "info_gan", "--discriminator-lr", 0.02, "--steps", 12, "--log-every", 4]
    assert bvae("train", "--cpu", "--data", data, *options).code == 0
    rows = list(csv.DictReader(Path("runs/dsprites/history.csv").read_text().splitlines()))
    assert all(math.isfinite(float(value)) for row in rows for value in row.values())


def test_a_nan_loss_stops_the_run(bvae: Bvae, data: Path) -> None:
    options = ["--objective", "info_gan", "--discriminator-lr", 1e30, "--steps", 12]
    result = bvae("train", "--cpu", "--data", data, *options)
    assert result.code == 1
    assert "the loss is nan at step 2; no checkpoint was written" in result.err
