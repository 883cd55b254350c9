"""Statistics of latents, on constructed posteriors."""

import math

import pytest
import torch

from bvae_cli.encoding import Posteriors
from bvae_cli.latents import sort_by_kl, summarize_latents
from bvae_cli.metrics.ground_truth import GroundTruth

TRUTH = GroundTruth.from_grid((3, 6, 8), ["shape", "scale", "orientation"])


@pytest.fixture
def posteriors() -> Posteriors:
    """Return posteriors in which latent 0 is inactive, 1 encodes the orientation, and 2 the scale."""
    mean = torch.zeros(144, 3)
    mean[:, 1] = torch.from_numpy(TRUTH.factors[:, 2] - 3.5) / 2
    mean[:, 2] = torch.from_numpy(TRUTH.factors[:, 1] / 5.0)
    return Posteriors(mean, torch.log(torch.tensor([1.0, 0.01, 0.25])).expand(144, 3))


def test_the_top_factor_has_the_highest_mutual_information(posteriors: Posteriors) -> None:
    latents = summarize_latents(posteriors, TRUTH)
    assert [latent.top_factor for latent in latents] == [None, "orientation", "scale"]
    assert [latent.mutual_information for latent in latents] == pytest.approx([0, math.log(8), math.log(6)])
    assert [latent.normalized_mi for latent in latents] == pytest.approx([0, 1, 1])


def test_variance_range_and_kl_are_those_of_the_posterior(posteriors: Posteriors) -> None:
    _, orientation, scale = summarize_latents(posteriors, TRUTH)
    assert (orientation.posterior_variance, scale.posterior_variance) == pytest.approx((0.01, 0.25))
    assert (
        orientation.posterior_mean_min,
        orientation.posterior_mean_max,
        scale.posterior_mean_min,
        scale.posterior_mean_max,
    ) == pytest.approx((-1.75, 1.75, 0, 1))
    assert scale.kl == pytest.approx((11 / 30 + 0.25 - 1 - math.log(0.25)) / 2)


def test_only_a_latent_without_information_is_inactive(posteriors: Posteriors) -> None:
    assert [latent.is_active for latent in summarize_latents(posteriors, TRUTH)] == [False, True, True]


def test_latents_are_sorted_by_decreasing_kl(posteriors: Posteriors) -> None:
    assert [latent.index for latent in sort_by_kl(summarize_latents(posteriors, TRUTH))] == [1, 2, 0]
