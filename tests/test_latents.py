"""Statistics of latents, on constructed posteriors."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bvae_cli.encoding import Posteriors
from bvae_cli.latents import latent_information, sort_by_kl, summarize_latents
from bvae_cli.metrics.ground_truth import GroundTruth

TRUTH = GroundTruth.from_grid((3, 6, 8), ["shape", "scale", "orientation"])
SCALE_CODES = torch.tensor([0.0, 0.13, 0.37, 0.53, 0.77, 1.0])  # each in the interior of another of 20 bins


@pytest.fixture
def posteriors() -> Posteriors:
    """Return posteriors in which latent 0 is inactive, 1 encodes the orientation, and 2 the scale."""
    mean = torch.zeros(144, 3)
    mean[:, 1] = torch.from_numpy(TRUTH.factors[:, 2] - 3.5) / 2
    mean[:, 2] = SCALE_CODES[TRUTH.factors[:, 1]]
    return Posteriors(mean, torch.log(torch.tensor([1.0, 1e-6, 1e-6])).expand(144, 3))


def posteriors_of(codes: NDArray[np.float64], std: float = 1e-3) -> Posteriors:
    """Return posteriors with the standardised (images, latents) codes as means."""
    mean = torch.from_numpy((codes - codes.mean(axis=0)) / codes.std(axis=0)).float()
    return Posteriors(mean, torch.full_like(mean, 2 * math.log(std)))


def test_the_top_factor_of_a_latent_that_encodes_one_factor_is_that_factor(posteriors: Posteriors) -> None:
    latents = summarize_latents(posteriors, TRUTH)
    assert [latent.top_factor for latent in latents] == [None, "orientation", "scale"]
    assert [latent.mutual_information for latent in latents] == pytest.approx([0, math.log(8), math.log(6)])
    assert [latent.normalized_mi for latent in latents] == pytest.approx([0, 1, 1])
    assert [latent.second_factor for latent in latents] == [None, None, None]


def test_a_factor_with_many_values_does_not_lead_by_its_number_of_values() -> None:
    # The code separates the two shapes (ln 2), and 4 groups of the 32 positions (ln 4: more nats, but a smaller part).
    truth = GroundTruth.from_grid((2, 32), ["shape", "posX"])
    (latent,) = summarize_latents(posteriors_of(truth.factors @ [[4.0], [0.0]] + truth.factors[:, 1:] // 8), truth)
    assert latent.factors == pytest.approx({"shape": 1.0, "posX": math.log(4) / math.log(32)})
    assert latent.mutual_information == pytest.approx(math.log(2))


def test_a_rare_attribute_that_is_encoded_perfectly_has_a_normalised_information_of_1() -> None:
    truth = GroundTruth(
        np.stack([np.arange(5000) % 50 == 0, np.arange(5000) % 2], axis=1).astype(np.int64), ["hat", "b"]
    )
    (latent,) = summarize_latents(posteriors_of(truth.factors[:, :1].astype(float)), truth)
    assert latent.factors == pytest.approx({"hat": 1.0})


def test_no_latent_has_more_information_than_its_kl() -> None:
    # Means that identify every image, but with posteriors almost as wide as the prior.
    factors = TRUTH.factors.astype(float)
    mean = torch.from_numpy(factors / factors.max(axis=0) * [0.1, 0.9, 1.4]).float()
    posteriors = Posteriors(mean, torch.log(torch.tensor([1.0, 0.9, 0.8])).expand(144, 3))
    information, kl = latent_information(posteriors, TRUTH), posteriors.kl.mean(dim=0).numpy()
    assert posteriors.is_active.tolist() == [False, True, True]
    assert (information <= kl[:, None]).all()
    assert information[1:].any(axis=1).all()
    assert not information[0].any()


def test_a_constant_factor_is_no_top_factor() -> None:
    truth = GroundTruth.from_grid((1, 8), ["colour", "scale"])
    (latent,) = summarize_latents(posteriors_of(truth.factors[:, 1:].astype(float)), truth)
    assert latent.factors == pytest.approx({"scale": 1.0})


def test_variance_range_and_kl_are_those_of_the_posterior(posteriors: Posteriors) -> None:
    _, orientation, scale = summarize_latents(posteriors, TRUTH)
    assert (orientation.posterior_variance, scale.posterior_variance) == pytest.approx((1e-6, 1e-6))
    assert (
        orientation.posterior_mean_min,
        orientation.posterior_mean_max,
        scale.posterior_mean_min,
        scale.posterior_mean_max,
    ) == pytest.approx((-1.75, 1.75, 0, 1))
    assert scale.kl == pytest.approx((SCALE_CODES.square().mean().item() + 1e-6 - 1 - math.log(1e-6)) / 2)


def test_only_a_latent_without_information_is_inactive(posteriors: Posteriors) -> None:
    assert [latent.is_active for latent in summarize_latents(posteriors, TRUTH)] == [False, True, True]


def test_ten_latents_with_a_third_of_a_nat_in_all_are_inactive() -> None:
    mean = torch.randn(1000, 10, generator=torch.Generator().manual_seed(0)) * 0.25
    weak = Posteriors(mean, torch.zeros(1000, 10))
    assert weak.kl.sum(dim=1).mean() == pytest.approx(0.31, abs=0.02)
    assert not weak.is_active.any()


def test_latents_are_sorted_by_decreasing_kl(posteriors: Posteriors) -> None:
    assert [latent.index for latent in sort_by_kl(summarize_latents(posteriors, TRUTH))] == [1, 2, 0]
