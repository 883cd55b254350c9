"""InfoGAN: who learns from what, and how well codes are told."""

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


def optimisation(precision: str = "float32") -> Trainer:
    """A model and its discriminator, which have taken no step."""
    train = {"batch_size": BATCH, "learning_rate": 0.001, "precision": precision}
    params = build_params({"objective": {"name": "info_gan", "lambda_info": 0.5}, "train": train})
    torch.manual_seed(0)
    return Trainer(VAE("higgins_conv", "bernoulli", 1, LATENTS), SPEC, params, torch.device("cpu"))


def packed() -> Tensor:
    return torch.randint(256, (BATCH, 512), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def made(mean: Tensor, logvar: Tensor, noise: Tensor) -> GanForwardPass:
    """Codes that are told so, and pictures without anything in them."""
    nothing, black = torch.zeros(BATCH), torch.zeros(BATCH, 1, 64, 64)
    return GanForwardPass(noise, noise, noise, noise, nothing, noise, black, black, mean, logvar)


class Saying(nn.Module):
    """A discriminator that gives the mean of a picture as its logit."""

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.mean(dim=(1, 2, 3))[:, None]


def test_codes_are_told_by_a_gaussian_each() -> None:
    noise, mean, logvar = torch.randn(3, BATCH, LATENTS, generator=torch.Generator().manual_seed(0)).unbind()
    sigma = torch.exp(logvar / 2)
    nats = (((noise - mean) / sigma) ** 2 / 2 + torch.log(sigma * math.sqrt(2 * math.pi))).sum() / BATCH
    loss = InfoGAN()(made(mean, logvar, noise), StepContext({"lambda_info": 0.5}, 12, [Saying()]))
    torch.testing.assert_close(loss, math.log(2) + 0.5 * nats)


def test_codes_that_are_not_told_at_all_cost_the_entropy_of_the_prior() -> None:
    noise = torch.ones(BATCH, LATENTS)  # whose squares are as those of the prior on average
    loss = InfoGAN()(made(0 * noise, 0 * noise, noise), StepContext({"lambda_info": 1.0}, 12, [Saying()]))
    assert loss.item() == pytest.approx(math.log(2) + LATENTS * math.log(2 * math.pi * math.e) / 2)


@pytest.mark.parametrize(("real", "fake"), [(0.0, 0.0), (1.0, -1.0), (-2.0, 0.5)])
def test_the_discriminator_s_loss_is_the_cross_entropy_and_half_of_ten_squared_gradients(
    real: float, fake: float
) -> None:
    """Each of 4,096 pixels moves a mean by 1 / 4,096."""
    empty, picture = torch.zeros(BATCH, LATENTS), torch.ones(BATCH, 1, 64, 64)
    out = GanForwardPass(empty, empty, empty, empty, empty[:, 0], empty, real * picture, fake * picture, empty, empty)
    expected = -(math.log(1 / (1 + math.exp(-real))) + math.log(1 - 1 / (1 + math.exp(-fake)))) / 2
    assert discriminator_loss(Saying(), out).item() == pytest.approx(expected + 10 / 2 / 4096, rel=1e-6)


def test_a_generator_s_first_pictures_differ_by_their_codes() -> None:
    torch.manual_seed(0)
    noise = torch.randn(64, 10)
    before = VAE("burgess", "bernoulli", 1, 10).decode(noise).std(dim=0).mean()
    vae = build_vae(build_params({"objective": {"name": "info_gan"}}), SPEC)
    assert vae.decode(noise).std(dim=0).mean() > 20 * before
    assert vae.decoder.get_parameter("2.weight").var().item() == pytest.approx(2 / 256, rel=0.02)


def test_pictures_are_made_of_the_noise_and_seen_through_grain() -> None:
    vae, images, noise = (
        VAE("higgins_conv", "bernoulli", 1, LATENTS),
        torch.rand(BATCH, 1, 64, 64),
        torch.randn(BATCH, 3),
    )
    grains = torch.randn(2, BATCH, 1, 64, 64)
    out = InfoGAN().forward(vae, images, noise, StepContext({"instance_noise": 0.25}, 12, pixel_noise=grains))
    assert isinstance(out, GanForwardPass)
    fakes, watched = vae.decode(noise), vae(images, noise)
    torch.testing.assert_close(out.real, images + grains[0] / 4)
    torch.testing.assert_close(out.generated, fakes + grains[1] / 4)
    torch.testing.assert_close((out.inferred_mean, out.inferred_logvar), vae.encode(fakes))
    torch.testing.assert_close((out.reconstruction_loss, out.kl), (watched.reconstruction_loss, watched.kl))
    assert not out.reconstruction_loss.requires_grad


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_both_are_moved_in_a_step(precision: str) -> None:
    both = optimisation(precision)
    before = [[weight.clone() for weight in net.parameters()] for net in both.nets]
    both.step(packed(), 0)
    for weights, net in zip(before, both.nets, strict=True):
        assert not any(torch.equal(was, now) for was, now in zip(weights, net.parameters(), strict=True))


def test_no_gradient_of_the_discriminator_reaches_the_model_nor_the_other_way_round() -> None:
    both = optimisation()
    vae, discriminator = copy.deepcopy(both.vae), copy.deepcopy(both.nets[1])
    both.step(packed(), 0)

    images = (packed()[..., None] >> torch.arange(7, -1, -1, dtype=torch.uint8) & 1).float().view(BATCH, 1, 64, 64)
    step = StepContext({"lambda_info": 0.5, "instance_noise": 0.1}, 12, [discriminator], pixel_noise=both.pixel_noise)
    out = InfoGAN().forward(vae, images, both.noise, step)
    discriminator_loss(discriminator, out).backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is None for weight in vae.parameters())
    same(both.nets[1], discriminator)
    discriminator.requires_grad_(False)
    InfoGAN()(out, step).backward()  # type: ignore[no-untyped-call]
    same(both.nets[0], vae)


def same(moved: nn.Module, alone: nn.Module) -> None:
    """Whether a net was moved by the gradients of its own loss alone."""
    for one, other in zip(moved.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_the_discriminator_halves_a_picture_four_times() -> None:
    discriminator = ImageDiscriminator(3)
    assert discriminator(torch.rand(2, 3, 64, 64)).shape == (2, 1)
    assert [layer.negative_slope for layer in discriminator if isinstance(layer, nn.LeakyReLU)] == [0.2] * 5


def test_a_discriminator_that_is_sure_of_itself_does_not_end_the_run(bvae: Bvae, data: Path) -> None:
    options = ["--objective", "info_gan", "--discriminator-lr", 0.02, "--steps", 12, "--log-every", 4]
    assert bvae("train", "--cpu", "--data", data, *options).code == 0
    rows = list(csv.DictReader(Path("runs/dsprites/history.csv").read_text().splitlines()))
    assert all(math.isfinite(float(value)) for row in rows for value in row.values())


def test_a_loss_that_is_no_number_stops_the_run(bvae: Bvae, data: Path) -> None:
    options = ["--objective", "info_gan", "--discriminator-lr", 1e30, "--steps", 12]
    result = bvae("train", "--cpu", "--data", data, *options)
    assert result.code == 1
    assert "nothing was saved" in result.err
