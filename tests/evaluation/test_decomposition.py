"""The KL decomposition, in cases with known terms."""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Bvae
from torch import Tensor
from torch.distributions import Normal

from bvae_cli.encoding import Posteriors
from bvae_cli.evaluation.decomposition import (
    KLDecomposition,
    apply_control_variate,
    decompose_kl,
    joint_log_density,
    marginal_log_densities,
)
from bvae_cli.system.reporting import ignore_progress

CPU = torch.device("cpu")
TERMS = ["index_code_mi", "total_correlation", "dimension_wise_kl"]


def random_encoding(images: int, latents: int) -> Posteriors:
    mean, logvar = torch.randn(2, images, latents, generator=torch.Generator().manual_seed(0))
    return Posteriors(mean, logvar - 1)


def decompose(encoding: Posteriors, images: int | None = None) -> tuple[KLDecomposition, KLDecomposition]:
    return decompose_kl(encoding, images or len(encoding.mean), 0, CPU, ignore_progress)


def posterior_densities(z: Tensor, encoding: Posteriors) -> Tensor:
    """Return the density of each posterior at each code, (codes, posteriors, latents)."""
    posteriors = Normal(encoding.mean.double(), torch.exp(encoding.logvar.double() / 2))
    density: Tensor = posteriors.log_prob(z.double()[:, None]).exp()  # type: ignore[no-untyped-call]
    return density


@pytest.mark.parametrize("images", [12, 300])
def test_log_densities_equal_sums_over_all_posteriors(images: int) -> None:
    encoding = random_encoding(12, 3)
    z = encoding.mean[:5] + 0.1
    densities = posterior_densities(z, encoding)
    weights = torch.full((5, 12), (images - 1) / images / 11).double().fill_diagonal_(1 / images)
    joint = (densities.prod(dim=2) * weights).sum(dim=1).log()
    marginals = (densities * weights[..., None]).sum(dim=1).log()
    got = joint_log_density(z, encoding.mean, encoding.logvar, images, ignore_progress)
    np.testing.assert_allclose(got, joint, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(marginal_log_densities(z, encoding.mean, encoding.logvar, images), marginals, atol=1e-4)


def test_the_terms_add_up_to_the_kl() -> None:
    encoding = random_encoding(3000, 4)
    assert sum(decompose(encoding)[0].as_dict().values()) == pytest.approx(
        encoding.kl.sum(dim=1).mean().item(), abs=1e-4
    )


def test_a_gaussian_aggregate_posterior_has_a_closed_form() -> None:
    """Posteriors of equal variance with means from a correlated Gaussian have a Gaussian as aggregate posterior."""
    correlation, variance, images = 0.8, 0.1, 100_000
    across = torch.tensor([[0.9, 0.9 * correlation], [0.9 * correlation, 0.9]])
    mean = torch.randn(images, 2, generator=torch.Generator().manual_seed(1)) @ torch.linalg.cholesky(across).T
    encoding = Posteriors(mean, torch.full((images, 2), math.log(variance)))
    parts, errors = decompose(encoding)
    total_correlation = -math.log(1 - (0.9 * correlation) ** 2) / 2  # codes have unit variances
    information = encoding.kl.sum(dim=1).mean().item() - total_correlation
    assert parts.total_correlation == pytest.approx(total_correlation, abs=3 * errors.total_correlation)
    assert parts.index_code_mi == pytest.approx(information, abs=3 * errors.index_code_mi)
    assert parts.dimension_wise_kl == pytest.approx(0, abs=3 * errors.dimension_wise_kl + 1e-3)
    assert max(errors.as_dict().values()) < 0.03


def test_the_mutual_information_of_disjoint_posteriors_is_the_log_of_the_number_of_images() -> None:
    encoding = Posteriors(torch.arange(2000.0)[:, None] / 100, torch.full((2000, 1), -14.0))
    parts, _ = decompose(encoding)
    assert parts.index_code_mi == pytest.approx(math.log(2000), abs=1e-3)
    assert parts.total_correlation == pytest.approx(0, abs=1e-5)


def test_collapsed_latents_have_zero_terms() -> None:
    parts, errors = decompose(Posteriors(torch.zeros(2000, 3), torch.zeros(2000, 3)))
    assert list((parts.as_dict() | errors.as_dict()).values()) == pytest.approx([0, 0, 0], abs=1e-5)


def test_the_mutual_information_is_estimated_from_the_posteriors_of_some_images() -> None:
    """In one dimension a subset suffices; the more images are distinguished, the more it is biased."""
    encoding = random_encoding(20_000, 1)
    some = Posteriors(encoding.mean[:2000], encoding.logvar[:2000])
    whole, _ = decompose(encoding)
    part, errors = decompose(some, images=20_000)
    assert part.index_code_mi == pytest.approx(whole.index_code_mi, abs=4 * errors.index_code_mi)


def test_a_known_sum_reduces_the_variance_of_the_terms() -> None:
    random = torch.Generator().manual_seed(0)
    common, separate = torch.randn(2, 1000, generator=random).double()
    parts = apply_control_variate(torch.stack([3 + common, 1 + 0.1 * separate]), expected_sum=4.0)
    assert parts.mean(dim=1).sum().item() == pytest.approx(4)
    assert parts.mean(dim=1).tolist() == pytest.approx([3, 1], abs=0.02)
    assert parts.std(dim=1).max() < 0.11


def test_evaluate_writes_the_terms_of_any_model(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    shown = bvae("evaluate", checkpoint, "--data", data, "--cpu", "--metric", "mig", "--out", ".").out
    scores = json.loads(Path("metrics.json").read_text())
    assert all(name in shown and f"{name}_stderr" in scores for name in TERMS)
    assert sum(scores[name] for name in TERMS) == pytest.approx(scores["kl"], abs=1e-3)


def lines(folder: str) -> list[dict[str, str]]:
    return list(csv.DictReader(Path(folder, "history.csv").open()))


def test_the_history_contains_the_terms_if_requested(bvae: Bvae, data: Path) -> None:
    options = ["--cpu", "--data", data, "--log-every", 3, "--kl-decomposition-every", 5]
    bvae("train", *options, "--steps", 14, "--out", "whole")
    assert [line["step"] for line in lines("whole") if line["total_correlation"]] == ["6", "12"]
    bvae("train", *options, "--steps", 7, "--out", "parts")
    assert bvae("train", *options, "--steps", 14, "--out", "parts", "--resume").code == 0
    bvae("train", "--cpu", "--data", data, "--log-every", 3, "--steps", 14, "--out", "without")
    assert TERMS[0] not in lines("without")[0]
    assert [line["loss"] for line in lines("without")] == [line["loss"] for line in lines("whole")]


def test_the_terms_in_the_history_equal_those_of_evaluate(bvae: Bvae, data: Path) -> None:
    options = ["--cpu", "--data", data, "--steps", 6, "--log-every", 6, "--kl-decomposition-every", 6]
    for way in ([], ["--stream"]):
        bvae("train", *options, *way, "--out", "run")
        bvae("evaluate", "run/checkpoint.pt", "--cpu", "--data", data, "--metric", "mig")
        scores = json.loads(Path("run/metrics.json").read_text())
        assert [float(lines("run")[0][name]) for name in TERMS] == pytest.approx(
            [scores[name] for name in TERMS], rel=1e-5
        )
