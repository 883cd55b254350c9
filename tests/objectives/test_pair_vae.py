"""Ada-GVAE, Ada-ML-VAE, GVAE and ML-VAE: known posteriors give known masks and averages."""

import math
from pathlib import Path

import pytest
import torch
from conftest import Bvae

from bvae_cli.objectives.ada_gvae import AdaGVAE
from bvae_cli.objectives.ada_ml_vae import AdaMLVAE
from bvae_cli.objectives.gvae import GVAE
from bvae_cli.objectives.ml_vae import MLVAE
from bvae_cli.objectives.objective import StepContext
from bvae_cli.objectives.pair_vae import adaptive_mask, divergence

MEAN = torch.tensor([[0.0, 1, 2], [0, 1.2, 6]])
LOGVAR = torch.tensor([[1.0, 3, 4], [1, 1, 4]]).log()
STEP = StepContext({"beta": 1.0}, num_images=100, active_factor=torch.tensor([1]))


def both(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return values[0::2], values[1::2]


def test_the_divergence_is_twice_the_kl() -> None:
    first, second = zip(both(MEAN), both(LOGVAR), strict=True)
    normals = [torch.distributions.Normal(mean, (logvar / 2).exp()) for mean, logvar in (first, second)]
    expected = 2 * torch.distributions.kl_divergence(*normals)
    assert torch.allclose(divergence(first, second), expected, atol=1e-6)


def test_latents_of_low_divergence_are_shared_per_pair() -> None:
    first, second = zip(both(MEAN), both(LOGVAR), strict=True)
    assert adaptive_mask(first, second).tolist() == [[True, True, False]]  # divergences 0, 0.94, 4


def test_shared_latents_get_the_arithmetic_average() -> None:
    mean, logvar = AdaGVAE().share(MEAN, LOGVAR, STEP)
    assert torch.allclose(mean, torch.tensor([[0, 1.1, 2], [0, 1.1, 6]]))
    assert torch.allclose(logvar.exp(), torch.tensor([[1.0, 2, 4], [1, 2, 4]]))


def test_shared_latents_get_the_precision_weighted_average() -> None:
    mean, logvar = AdaMLVAE().share(MEAN, LOGVAR, STEP)
    assert torch.allclose(mean[:, 1], torch.full((2,), (1 / 3 + 1.2) / (1 / 3 + 1)))
    assert torch.allclose(logvar[:, 1].exp(), torch.full((2,), 2 * 3 * 1 / (3 + 1)))
    assert mean[:, 2].tolist() == MEAN[:, 2].tolist()


@pytest.mark.parametrize("objective", [GVAE(), MLVAE()])
def test_all_latents_but_the_known_one_are_shared(objective: GVAE | MLVAE) -> None:
    mean, logvar = objective.share(MEAN, LOGVAR, STEP)
    assert torch.equal(mean[:, 1], MEAN[:, 1])
    assert torch.equal(logvar[:, 1], LOGVAR[:, 1])
    assert mean[:, 2].tolist() == pytest.approx([4, 4])


def test_two_posteriors_that_differ_in_one_latent_share_all_others() -> None:
    mean = torch.zeros(2, 5)
    mean[1, 3] = 1e-3
    assert adaptive_mask((mean[:1], mean[:1]), (mean[1:], mean[:1])).tolist() == [[True, True, True, False, True]]


def test_identical_posteriors_are_unchanged() -> None:
    mean, logvar = torch.randn(1, 4).repeat(2, 1), torch.randn(1, 4).repeat(2, 1)
    for objective in (AdaGVAE(), AdaMLVAE(), GVAE(), MLVAE()):
        shared = objective.share(mean, logvar, STEP)
        assert torch.allclose(shared[0], mean, atol=1e-6)
        assert torch.allclose(shared[1], logvar, atol=1e-6)


def test_gradients_of_an_averaged_latent_are_halved_and_reach_both_images() -> None:
    mean = MEAN.clone().requires_grad_()
    AdaGVAE().share(mean, LOGVAR, STEP)[0][0].sum().backward()  # type: ignore[no-untyped-call]
    assert mean.grad is not None
    assert mean.grad.tolist() == [[0.5, 0.5, 1], [0.5, 0.5, 0]]
    assert math.isfinite(float(mean.grad.sum()))


@pytest.mark.parametrize("objective", ["ada_gvae", "ml_vae"])
def test_resuming_is_bit_identical(bvae: Bvae, data: Path, objective: str) -> None:
    options = ["--cpu", "--data", data, "--objective", objective, "--batch-size", 8, "--log-every", 1]
    for out, steps in (("whole", 4), ("parts", 2), ("parts", 4)):
        result = bvae("train", *options, "--steps", steps, "--out", out, "--resume")
        assert result.code == 0, result.err
    whole, parts = (torch.load(f"{out}/checkpoint.pt", weights_only=True) for out in ("whole", "parts"))
    assert all(torch.equal(whole["weights"][name], parts["weights"][name]) for name in whole["weights"])


def test_an_odd_batch_size_is_an_error(bvae: Bvae, data: Path) -> None:
    result = bvae("train", "--cpu", "--data", data, "--objective", "ada_gvae", "--batch-size", 7)
    assert result.code == 1
    assert "needs pairs of images" in result.err
