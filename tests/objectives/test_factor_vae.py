"""FactorVAE: what its discriminator sees, and whose gradients are whose."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from bvae_cli.config import build_params
from bvae_cli.images.spec import DataSpec
from bvae_cli.images.unpacking import unpack_images
from bvae_cli.models.code_discriminator import CodeDiscriminator
from bvae_cli.models.vae import VAE, ForwardPass
from bvae_cli.objectives.factor_vae import FactorVAE, discriminator_loss
from bvae_cli.objectives.objective import StepContext
from bvae_cli.training.trainer import Trainer

LATENTS, BATCH = 4, 8
PARAMS = build_params({
    "objective": {"name": "factor_vae", "gamma": 10},
    "model": {"latent_dim": LATENTS},
    "train": {"batch_size": BATCH, "learning_rate": 0.001},
})  # fmt: skip
SPEC = DataSpec("dsprites", 1, "bernoulli", {"shape": 3, "scale": 4})


def made() -> ForwardPass:
    random = torch.Generator().manual_seed(0)
    mean, noise = torch.randn(2, BATCH, LATENTS, generator=random)
    z = mean + noise
    return ForwardPass(mean, torch.zeros_like(mean), noise, z, torch.full((BATCH,), 30.0), torch.ones(BATCH, LATENTS))


def indifferent() -> CodeDiscriminator:
    """A discriminator that says nothing."""
    discriminator = CodeDiscriminator(LATENTS)
    last = discriminator[-1]
    assert isinstance(last, nn.Linear)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return discriminator


def test_the_discriminator_has_six_layers_of_a_thousand() -> None:
    widths = [
        (layer.in_features, layer.out_features) for layer in CodeDiscriminator(10) if isinstance(layer, nn.Linear)
    ]
    assert widths == [(10, 1000), *[(1000, 1000)] * 5, (1000, 2)]
    assert [layer.negative_slope for layer in CodeDiscriminator(10) if isinstance(layer, nn.LeakyReLU)] == [0.2] * 6


def test_where_the_discriminator_says_nothing_the_loss_is_the_vae_s() -> None:
    step = StepContext({"gamma": 35.0}, num_images=100, auxiliary_nets=[indifferent()])
    assert FactorVAE()(made(), step).item() == 30 + LATENTS
    assert discriminator_loss(indifferent(), made()).item() == pytest.approx(math.log(2))


def test_the_total_correlation_is_the_mean_log_ratio_of_all_codes() -> None:
    discriminator, out = CodeDiscriminator(LATENTS), made()
    joint, apart = discriminator(out.z).log_softmax(dim=1).unbind(dim=1)
    expected = 30 + LATENTS + 35 * (joint - apart).mean()
    torch.testing.assert_close(FactorVAE()(out, StepContext({"gamma": 35.0}, 100, [discriminator])), expected)


def test_the_discriminator_learns_from_a_half_as_it_is_and_the_other_permuted_over_images() -> None:
    seen: list[Tensor] = []
    discriminator, out = CodeDiscriminator(LATENTS), made()
    discriminator.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    discriminator_loss(discriminator, out)
    joint, apart = seen
    one, other = out.z.chunk(2)
    assert torch.equal(joint, one)
    assert torch.equal(apart.sort(dim=0).values, other.sort(dim=0).values)  # each latent has its values
    orders = (apart[:, None] == other[None]).float().argmax(dim=1)  # of each latent, over the images
    assert len({tuple(order) for order in orders.T.tolist()}) == LATENTS  # and an order of its own


def test_permutations_of_all_latents_are_uniform_and_independent() -> None:
    """The order of a latent of three images is any of six, that of two of them any of 36, equally often."""
    random, orders = torch.Generator().manual_seed(0), torch.zeros(6, 6)
    for order in torch.randn(20_000, 3, 2, generator=random).argsort(dim=1):
        one, other = (order[0] * 2 + (order[1] > order[2])).tolist()
        orders[one, other] += 1
    assert (orders / 20_000 - 1 / 36).abs().max() < 0.005


def test_no_gradient_of_the_discriminator_reaches_the_model_nor_the_other_way_round() -> None:
    torch.manual_seed(0)
    vae = VAE("higgins_conv", "bernoulli", 1, LATENTS)
    trainer = Trainer(vae, SPEC, PARAMS, torch.device("cpu"))
    before = copy.deepcopy(trainer.nets)
    packed = torch.randint(256, (BATCH, 512), dtype=torch.uint8)
    trainer.step(packed, 0)

    model, discriminator = before
    out = model(unpack_images(packed, SPEC), trainer.noise)
    discriminator_loss(discriminator, out).backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is None for weight in model.parameters())
    for moved, alone in zip(trainer.nets[1].parameters(), discriminator.parameters(), strict=True):
        assert torch.equal(moved.grad, alone.grad)  # type: ignore[arg-type]
    discriminator.requires_grad_(False)
    PARAMS.objective(out, StepContext({"gamma": 10.0}, 12, [discriminator])).backward()  # type: ignore[no-untyped-call]
    for moved, alone in zip(vae.parameters(), model.parameters(), strict=True):
        assert torch.equal(moved.grad, alone.grad)  # type: ignore[arg-type]


def test_both_are_moved_in_a_step() -> None:
    trainer = Trainer(VAE("higgins_conv", "bernoulli", 1, LATENTS), SPEC, PARAMS, torch.device("cpu"))
    before = [[weight.clone() for weight in net.parameters()] for net in trainer.nets]
    trainer.step(torch.randint(256, (BATCH, 512), dtype=torch.uint8), 0)
    for weights, net in zip(before, trainer.nets, strict=True):
        assert not any(torch.equal(was, now) for was, now in zip(weights, net.parameters(), strict=True))


def correlated(count: int, correlation: float) -> Tensor:
    """(count, 2) codes of unit variance."""
    z = torch.randn(count, 2)
    z[:, 1] = correlation * z[:, 0] + (1 - correlation**2) ** 0.5 * z[:, 1]
    return z


@pytest.mark.parametrize(("correlation", "off"), [(0.95, 0.35), (0.0, 0.1)])
def test_a_discriminator_comes_near_the_total_correlation(correlation: float, off: float) -> None:
    torch.manual_seed(0)
    (rival,) = FactorVAE().auxiliary_nets(2, channels=1)
    adam = torch.optim.Adam(rival.net.parameters(), lr=1e-3, betas=rival.betas)
    for _ in range(100):
        z, noise = correlated(64, correlation), torch.randn(64, 2)
        adam.zero_grad()
        rival.loss(rival.net, ForwardPass(z, z, noise, z, z[:, 0], z)).backward()  # type: ignore[no-untyped-call]
        adam.step()
    joint, apart = rival.net(correlated(2000, correlation)).unbind(dim=1)
    assert (joint - apart).mean().item() == pytest.approx(-math.log(1 - correlation**2) / 2, abs=off)
