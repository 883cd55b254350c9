"""β-TCVAE's KL decomposition, against sums over the whole data set."""

import math
from itertools import combinations
from typing import Literal

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from bvae_cli.models.gaussian import gaussian_kl, log_density
from bvae_cli.models.vae import ForwardPass
from bvae_cli.objectives.beta_tcvae import BetaTCVAE, decompose_kl, log_weights
from bvae_cli.objectives.objective import StepContext
from bvae_cli.objectives.vae import VAEObjective

IMAGES, LATENTS = 6, 3


def make_forward_pass(images: int = IMAGES) -> ForwardPass:
    random = torch.Generator().manual_seed(0)
    mean, logvar, noise = torch.randn(3, images, LATENTS, generator=random, dtype=torch.float64)
    z = mean + torch.exp(logvar / 2) * noise
    return ForwardPass(mean, logvar, noise, z, torch.rand(images).double(), gaussian_kl(mean, logvar))


def sum_over_all_data(out: ForwardPass) -> tuple[float, float]:
    """TC and dimension-wise KL, image by image and latent by latent."""
    posteriors = Normal(out.mean, torch.exp(out.logvar / 2))
    total_correlation = dimension_wise = 0.0
    for z in out.z:
        densities: Tensor = posteriors.log_prob(z).exp()  # type: ignore[no-untyped-call]
        joint = math.log(sum(math.prod(row) for row in densities.tolist()) / len(out.z))
        marginals = sum(math.log(sum(column) / len(out.z)) for column in densities.T.tolist())
        prior = float(Normal(0.0, 1.0).log_prob(z).sum())  # type: ignore[no-untyped-call]
        total_correlation += (joint - marginals) / len(out.z)
        dimension_wise += (marginals - prior) / len(out.z)
    return total_correlation, dimension_wise


def test_stratified_sampling_is_exact_for_a_batch_of_all_images() -> None:
    estimates = [part.item() for part in decompose_kl(make_forward_pass(), IMAGES, "mss")]
    assert estimates == pytest.approx(sum_over_all_data(make_forward_pass()), rel=1e-12)


def test_weighted_sampling_applies_each_weight_once_per_density() -> None:
    """With all images in the batch, the joint and each marginal density are too small by the factor of their number."""
    offset = math.log(IMAGES)
    total_correlation, dimension_wise = sum_over_all_data(make_forward_pass())
    estimates = [part.item() for part in decompose_kl(make_forward_pass(), IMAGES, "mws")]
    assert estimates == pytest.approx(
        [total_correlation + (LATENTS - 1) * offset, dimension_wise - LATENTS * offset], rel=1e-12
    )


@pytest.mark.parametrize("batch", [2, 3, 5])
def test_stratified_sampling_estimates_the_density_without_bias(batch: int) -> None:
    """The estimate averaged over all batches that contain a code's image equals the density."""
    out = make_forward_pass()
    densities = log_density(out.z[:, None], out.mean, out.logvar).sum(dim=2)  # (z, posterior)
    estimates = []
    for others in combinations(range(1, IMAGES), batch - 1):
        rows = densities[[0, *others]][:, [0, *others]]
        estimates.append((rows + log_weights(rows, IMAGES, "mss"))[0].exp().sum().item())
    assert sum(estimates) / len(estimates) == pytest.approx(densities[0].exp().mean().item(), rel=1e-12)


@pytest.mark.parametrize("estimator", ["mws", "mss"])
def test_with_unit_weights_the_loss_equals_that_of_the_vae(estimator: Literal["mws", "mss"]) -> None:
    out, step = make_forward_pass(), StepContext({"alpha": 1.0, "beta": 1.0, "gamma": 1.0}, num_images=1000)
    assert BetaTCVAE(tc_estimator=estimator)(out, step).item() == pytest.approx(
        VAEObjective()(out, step).item(), rel=1e-12
    )


def test_each_term_has_its_weight() -> None:
    out = make_forward_pass()
    total_correlation, dimension_wise = sum_over_all_data(out)
    index_code_mi = out.kl.sum().item() / IMAGES - total_correlation - dimension_wise
    expected = out.reconstruction_loss.mean().item() + 2 * index_code_mi + 3 * total_correlation + 5 * dimension_wise
    step = StepContext({"alpha": 2.0, "beta": 3.0, "gamma": 5.0}, IMAGES)
    assert BetaTCVAE(tc_estimator="mss")(out, step).item() == pytest.approx(expected, rel=1e-12)


def test_the_gradients_of_weighted_sampling_do_not_depend_on_the_number_of_images() -> None:
    gradients = []
    for images in (IMAGES, 100 * IMAGES):
        out = make_forward_pass()
        out.z.requires_grad_()
        sum(decompose_kl(out, images, "mws")).backward()  # type: ignore[union-attr]
        gradients.append(out.z.grad)
    torch.testing.assert_close(*gradients)
