"""FactorVAE: the discriminator's inputs, and the separation of gradients."""

import copy
import math
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from bvae_cli.config import build_params
from bvae_cli.images.spec import DataSpec
from bvae_cli.images.unpacking import unpack_images
from bvae_cli.models.code_discriminator import CodeDiscriminator
from bvae_cli.models.vae import VAE, ForwardPass
from bvae_cli.objectives.factor_vae import FactorVAE, loss_of_batch, loss_of_halves
from bvae_cli.objectives.objective import StepContext
from bvae_cli.training.trainer import Trainer

LATENTS, BATCH = 4, 8
PARAMS = build_params({
    "objective": {"name": "factor_vae", "gamma": 10},
    "model": {"latent_dim": LATENTS},
    "train": {"batch_size": BATCH, "learning_rate": 0.001, "shards": 1},
})  # fmt: skip
SPEC = DataSpec("dsprites", 1, "bernoulli", {"shape": 3, "scale": 4})


def make_forward_pass() -> ForwardPass:
    random = torch.Generator().manual_seed(0)
    mean, noise = torch.randn(2, BATCH, LATENTS, generator=random)
    z = mean + noise
    return ForwardPass(mean, torch.zeros_like(mean), noise, z, torch.full((BATCH,), 30.0), torch.ones(BATCH, LATENTS))


def make_uninformative_discriminator() -> CodeDiscriminator:
    """Return a discriminator whose logits are 0 for every code."""
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


def test_with_an_uninformative_discriminator_the_loss_equals_that_of_the_vae() -> None:
    step = StepContext({"gamma": 35.0}, num_images=100, auxiliary_nets=[make_uninformative_discriminator()])
    assert FactorVAE()(make_forward_pass(), step).item() == 30 + LATENTS
    assert loss_of_halves(make_uninformative_discriminator(), make_forward_pass()).item() == pytest.approx(math.log(2))


def test_the_total_correlation_is_the_mean_log_ratio_of_all_codes() -> None:
    discriminator, out = CodeDiscriminator(LATENTS), make_forward_pass()
    joint, permuted = discriminator(out.z).log_softmax(dim=1).unbind(dim=1)
    expected = 30 + LATENTS + 35 * (joint - permuted).mean()
    torch.testing.assert_close(FactorVAE()(out, StepContext({"gamma": 35.0}, 100, [discriminator])), expected)


def test_the_discriminator_is_trained_on_one_half_and_on_the_other_permuted_over_images() -> None:
    seen: list[Tensor] = []
    discriminator, out = CodeDiscriminator(LATENTS), make_forward_pass()
    discriminator.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    loss_of_halves(discriminator, out)
    joint, permuted = seen
    one, other = out.z.chunk(2)
    assert torch.equal(joint, one)
    assert torch.equal(permuted.sort(dim=0).values, other.sort(dim=0).values)  # each latent keeps its values
    orders = (permuted[:, None] == other[None]).float().argmax(dim=1)  # (images, latents), permutations
    assert len({tuple(order) for order in orders.T.tolist()}) == LATENTS  # and has its own permutation


def test_the_discriminator_is_trained_on_the_batch_and_on_the_same_batch_permuted_over_images() -> None:
    seen: list[Tensor] = []
    discriminator, out = CodeDiscriminator(LATENTS), make_forward_pass()
    discriminator.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    loss = loss_of_batch(discriminator, out)
    joint, permuted = seen
    assert torch.equal(joint, out.z)
    assert torch.equal(permuted.sort(dim=0).values, out.z.sort(dim=0).values)  # each latent keeps its values
    images = (permuted[:, None] == out.z[None]).float().argmax(dim=1)  # (codes, latents), the image of each latent
    for row, sources in enumerate(images.tolist()):
        assert len({row, *sources}) == LATENTS + 1  # all from different images
    targets = torch.tensor([0] * BATCH + [1] * BATCH)
    expected = nn.functional.cross_entropy(discriminator(torch.cat([joint, permuted])), targets)
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize(("codes", "loss"), [("halves", loss_of_halves), ("batch", loss_of_batch)])
def test_the_codes_of_the_discriminator_can_be_chosen(codes: Literal["halves", "batch"], loss: object) -> None:
    (auxiliary,) = FactorVAE(discriminator_codes=codes).auxiliary_nets(LATENTS, 1)
    assert auxiliary.loss is loss


def test_permutations_of_all_latents_are_uniform_and_independent() -> None:
    """With three images, all 36 pairs of the six orders of two latents are equally frequent."""
    random, orders = torch.Generator().manual_seed(0), torch.zeros(6, 6)
    for order in torch.randn(20_000, 3, 2, generator=random).argsort(dim=1):
        one, other = (order[0] * 2 + (order[1] > order[2])).tolist()
        orders[one, other] += 1
    assert (orders / 20_000 - 1 / 36).abs().max() < 0.005


def test_gradients_of_model_and_discriminator_are_separate() -> None:
    torch.manual_seed(0)
    vae = VAE("higgins_conv", "bernoulli", 1, LATENTS)
    trainer = Trainer(vae, SPEC, PARAMS, torch.device("cpu"))
    before = copy.deepcopy(trainer.nets)
    packed = torch.randint(256, (BATCH, 512), dtype=torch.uint8)
    trainer.step(packed, 0)

    model, discriminator = before
    out = model(unpack_images(packed, SPEC), trainer.noise)
    loss_of_halves(discriminator, out).backward()  # type: ignore[no-untyped-call]
    assert all(weight.grad is None for weight in model.parameters())
    for trained, expected in zip(trainer.nets[1].parameters(), discriminator.parameters(), strict=True):
        assert torch.equal(trained.grad, expected.grad)  # type: ignore[arg-type]
    discriminator.requires_grad_(False)
    PARAMS.objective(out, StepContext({"gamma": 10.0}, 12, [discriminator])).backward()  # type: ignore[no-untyped-call]
    for trained, expected in zip(vae.parameters(), model.parameters(), strict=True):
        assert torch.equal(trained.grad, expected.grad)  # type: ignore[arg-type]


def test_a_step_updates_model_and_discriminator() -> None:
    trainer = Trainer(VAE("higgins_conv", "bernoulli", 1, LATENTS), SPEC, PARAMS, torch.device("cpu"))
    before = [[weight.clone() for weight in net.parameters()] for net in trainer.nets]
    trainer.step(torch.randint(256, (BATCH, 512), dtype=torch.uint8), 0)
    for weights, net in zip(before, trainer.nets, strict=True):
        assert not any(torch.equal(old, new) for old, new in zip(weights, net.parameters(), strict=True))


def sample_correlated(count: int, correlation: float) -> Tensor:
    """Return (count, 2) codes of unit variance and the given correlation."""
    z = torch.randn(count, 2)
    z[:, 1] = correlation * z[:, 0] + (1 - correlation**2) ** 0.5 * z[:, 1]
    return z


@pytest.mark.parametrize(("correlation", "tolerance"), [(0.95, 0.35), (0.0, 0.1)])
def test_a_discriminator_estimates_the_total_correlation(correlation: float, tolerance: float) -> None:
    torch.manual_seed(0)
    (auxiliary,) = FactorVAE().auxiliary_nets(2, channels=1)
    adam = torch.optim.Adam(auxiliary.net.parameters(), lr=1e-3, betas=auxiliary.betas)
    for _ in range(100):
        z, noise = sample_correlated(64, correlation), torch.randn(64, 2)
        adam.zero_grad()
        auxiliary.loss(auxiliary.net, ForwardPass(z, z, noise, z, z[:, 0], z)).backward()  # type: ignore[no-untyped-call]
        adam.step()
    joint, permuted = auxiliary.net(sample_correlated(2000, correlation)).unbind(dim=1)
    assert (joint - permuted).mean().item() == pytest.approx(-math.log(1 - correlation**2) / 2, abs=tolerance)
