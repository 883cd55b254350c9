"""All metrics on representations with known scores: ground-truth factors, zeros, noise, duplicated factors."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from bvae_cli.metrics import METRICS
from bvae_cli.metrics.aam import aam
from bvae_cli.metrics.beta_vae_score import accuracy as beta_vae_accuracy
from bvae_cli.metrics.beta_vae_score import beta_vae_score
from bvae_cli.metrics.dci import dci, dci_published, disentanglement
from bvae_cli.metrics.explicitness import explicitness
from bvae_cli.metrics.factor_vae_score import accuracy as factor_vae_accuracy
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.irs import irs
from bvae_cli.metrics.mig import mig
from bvae_cli.metrics.modularity import modularity, modularity_of
from bvae_cli.metrics.sap import sap
from bvae_cli.metrics.udr import relative_strength, udr
from bvae_cli.metrics.unsupervised_metrics import gaussian_total_correlation, squared_wasserstein
from bvae_cli.system.errors import BvaeError

Scores = dict[str, float]
Array = np.ndarray


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


IDEAL = GroundTruth.from_labels(random(7).integers(1, 11, size=(100_000, 10)))
"""Ten factors, each uniform over ten values."""
IDENTITY = IDEAL.factors.astype(np.float32) + 1
ZEROS, DUPLICATED = np.zeros_like(IDENTITY), np.hstack([IDENTITY, IDENTITY])
PERMUTED = random(8).permuted(IDENTITY, axis=1)
"""The entries of each row in an independent random order."""


def first(score: Callable[..., Scores], codes: Array, **settings: int) -> float:
    return next(iter(score(codes, IDEAL, random(), **settings).values()))


def test_higgins() -> None:
    assert beta_vae_accuracy(IDENTITY, IDEAL, random(), pairs=5, train=2000, test=2000) >= 0.9


def test_factor_vae() -> None:
    score = partial(factor_vae_accuracy, truth=IDEAL, rng=random(), batch=5, train=3000, test=2000, reference=2500)
    assert score(IDENTITY) >= 0.9
    assert score(ZEROS) <= 0.2


def test_mig() -> None:
    assert first(mig, IDENTITY, samples=3000) >= 0.9
    assert first(mig, ZEROS, samples=3000) <= 0.2
    assert first(mig, DUPLICATED, samples=3000) <= 0.1


def test_aam() -> None:
    assert first(aam, IDENTITY) >= 0.9
    assert first(aam, ZEROS) == 0
    assert first(aam, DUPLICATED) == 0


@pytest.mark.parametrize("score", [dci, dci_published])
def test_dci_of_ground_truth_factors(score: Callable[..., Scores]) -> None:
    disentanglement_score, completeness, _ = score(IDENTITY, IDEAL, random(), train=1000, test=1000).values()
    assert min(disentanglement_score, completeness) >= 0.9


def test_dci_of_other_codes() -> None:
    assert first(dci, PERMUTED, train=1000, test=1000) <= 0.2
    disentanglement_score, completeness, _ = dci(DUPLICATED, IDEAL, random(), train=1000, test=1000).values()
    assert disentanglement_score >= 0.9
    assert completeness == pytest.approx(0.699, abs=0.1)


def test_modularity() -> None:
    assert first(modularity, IDENTITY, samples=3000) >= 0.9
    assert first(modularity, PERMUTED, samples=20_000) <= 0.2
    assert first(modularity, DUPLICATED, samples=3000) >= 0.9


def test_explicitness() -> None:
    truth = GroundTruth.from_grid((3, 40, 40))
    codes = truth.factors.astype(np.float32)
    columns = zip(truth.sizes, truth.factors.T, strict=True)
    one_hot = np.concatenate([np.eye(size, dtype=np.float32)[column] for size, column in columns], axis=1)
    assert explicitness(one_hot, truth, random(), 3000, 1500)["explicitness"] >= 0.99
    assert explicitness(np.zeros_like(codes), truth, random(), 3000, 1500)["explicitness"] == 0.5


def test_sap() -> None:
    measured = GroundTruth.from_labels(IDEAL.factors, is_continuous=[True] * 10)
    score = partial(sap, truth=measured, rng=random(), train=3000)
    assert score(IDENTITY)["sap"] >= 0.9
    assert score(ZEROS)["sap"] == 0
    assert score(DUPLICATED)["sap"] == 0


def test_sap_of_categorical_factors() -> None:
    truth = GroundTruth.from_grid((2, 2, 25, 25))
    codes = truth.factors.astype(np.float32) - 0.5
    assert sap(codes[:, :2], truth.select_factors(truth.names[:2]), random(), 1000, 500)["sap"] == pytest.approx(
        0.5, abs=0.08
    )
    assert sap(np.zeros_like(codes), truth, random(), 1000, 500)["sap"] == 0


def test_irs() -> None:
    assert first(irs, IDENTITY, samples=3000) >= 0.9
    assert first(irs, ZEROS, samples=3000) <= 0.1


def test_closed_forms_of_dci() -> None:
    diagonal, both = 5 * np.eye(10), np.hstack([5 * np.eye(5), 5 * np.eye(5)])
    assert disentanglement(diagonal) == disentanglement(diagonal.T) == pytest.approx(1)
    assert disentanglement(both) == pytest.approx(0.698970, abs=5e-7)
    assert disentanglement(np.vstack([5 * np.eye(5), 5 * np.eye(5)]).T) == pytest.approx(0.698970, abs=5e-7)
    assert disentanglement(np.zeros((10, 10))) == 0


def test_closed_forms_of_modularity() -> None:
    one_empty = np.diag([5.0, 5.0, 0.0])
    assert modularity_of(one_empty) == pytest.approx(2 / 3)
    assert modularity_of(np.hstack([5 * np.eye(5), 5 * np.eye(5)])) == pytest.approx(8 / 9)
    assert modularity_of(np.zeros((3, 3))) == 0


def test_closed_forms_of_the_unsupervised_scores() -> None:
    covariance = np.array([[1, 0.9], [0.9, 1]])
    assert gaussian_total_correlation(covariance) == pytest.approx(0.830366, abs=5e-7)
    assert squared_wasserstein(covariance) == pytest.approx(0.610735, abs=5e-7)


@pytest.mark.parametrize(
    ("similarity", "expected"),
    [
        (np.eye(3), 1),
        (np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]]), 2 / 3),
        (np.ones((3, 3)), 1 / 3),
        (np.zeros((3, 3)), 0),
    ],
)
def test_closed_forms_of_udr(similarity: Array, expected: float) -> None:
    assert relative_strength(similarity) == pytest.approx(expected)


def test_udr_of_unequal_models_equals_the_authors_definition() -> None:
    """For model i the lasso is fitted with X = the other model's latents and y = model i's, and max² / sum averaged."""
    from sklearn.linear_model import Lasso
    from sklearn.preprocessing import StandardScaler

    random = np.random.default_rng(0)
    factors = random.normal(size=(2000, 4))
    models = [
        (factors @ random.normal(size=(4, latents)) + noise * random.normal(size=(2000, latents))).astype(np.float32)
        for latents, noise in ((4, 0.1), (6, 1.0), (3, 0.5))
    ]

    def similarity(scored: Array, other: Array) -> float:
        inputs, targets = StandardScaler().fit_transform(other), StandardScaler().fit_transform(scored)
        weights = np.abs(Lasso(alpha=0.1).fit(inputs, targets).coef_)  # (latents of scored, latents of other)
        strengths = [weights.max(axis=axis) ** 2 / np.maximum(weights.sum(axis=axis), 1e-30) for axis in (0, 1)]
        return float(np.mean([strength.mean() for strength in strengths]))

    expected = [np.median([similarity(scored, other) for other in models if other is not scored]) for scored in models]
    assert udr(models) == pytest.approx(expected)
    reverse = [np.median([similarity(other, scored) for other in models if other is not scored]) for scored in models]
    assert udr(models) != pytest.approx(reverse, abs=0.01)


def test_udr_is_invariant_to_permutation_and_sign_but_not_to_rotation() -> None:
    codes = random().normal(size=(10_000, 4)).astype(np.float32)
    rotated = codes @ np.linalg.qr(random(1).normal(size=(4, 4)))[0].astype(np.float32)
    for spearman in (False, True):
        same = udr([codes, -codes[:, [2, 0, 1, 3]]], spearman=spearman)
        assert same == pytest.approx([1, 1], abs=0.12)
        assert udr([codes, rotated], spearman=spearman)[0] < 0.6
    assert udr([codes, codes[:, :0]]) == [0, 0]


GRID = GroundTruth.from_grid((3, 6, 8, 8))
NOISY = (GRID.factors + 0.5 * random(3).normal(size=GRID.factors.shape)).astype(np.float32)
QUICK = {name: metric for name, metric in METRICS.items() if metric.is_default and name != "mig_sampled"}


@pytest.mark.parametrize("name", QUICK)
def test_scores_are_bit_identical_by_seed(name: str) -> None:
    assert QUICK[name].score(NOISY, GRID, random()) == QUICK[name].score(NOISY, GRID, random())


@pytest.mark.parametrize("name", QUICK)
def test_scores_are_invariant_to_permutations_of_latents(name: str) -> None:
    forward, reverse = (QUICK[name].score(codes, GRID, random()) for codes in (NOISY, NOISY[:, ::-1].copy()))
    assert forward == pytest.approx(reverse, abs=0.02)


@pytest.mark.parametrize("name", [
    "aam", "dcimig", "explicitness", "factor_vae_score", "jemmig", "mcc", "mig", "mig_sup", "modularity",
])  # fmt: skip
def test_scores_are_invariant_to_the_scale_of_a_latent(name: str) -> None:
    scaled = NOISY * np.array([2, 0.5, 8, 4], dtype=np.float32)
    tolerance = 0.01 if name == "explicitness" else 1e-9  # explicitness regularises weights
    before = QUICK[name].score(NOISY, GRID, random())
    assert QUICK[name].score(scaled, GRID, random()) == pytest.approx(before, abs=tolerance)


def test_rotation_of_the_latents_lowers_scores() -> None:
    rotated = NOISY @ np.linalg.qr(random(1).normal(size=(4, 4)))[0].astype(np.float32)
    for name in ("mig", "mig_sup", "jemmig", "dcimig", "mcc", "modularity", "sap", "dci", "irs", "aam"):
        assert first_score(name, rotated) < first_score(name, NOISY) - 0.03


def first_score(name: str, codes: Array) -> float:
    return next(iter(QUICK[name].score(codes, GRID, random()).values()))


@pytest.mark.parametrize(("name", "chance"), [
    ("aam", 0), ("dci", 0), ("dcimig", 0), ("explicitness", 0.5), ("factor_vae_score", 0), ("irs", 0), ("mcc", 0),
    ("mig", 0), ("mig_sup", 0), ("modularity", 0), ("sap", 0), ("unsupervised_metrics", 0),
])  # fmt: skip
def test_a_collapsed_representation_scores_chance_level(name: str, chance: float) -> None:
    collapsed = np.full((len(GRID), 5), 0.25, dtype=np.float32)
    assert first_score(name, collapsed) == pytest.approx(chance, abs=1e-6)


def test_labels_may_have_any_dtype() -> None:
    some = random().integers(len(GRID), size=600)
    shape = np.array(["square", "ellipse", "heart"])[GRID.factors[some, 0]]
    truth = GroundTruth.from_labels(np.stack([shape, GRID.factors[some, 1].astype(str)], axis=1), ["shape", "scale"])
    assert truth.sizes == [3, 6]
    assert beta_vae_score(NOISY[some], truth, random())["beta_vae_score"] > 0.9


def test_a_small_list_is_split_into_disjoint_training_and_test_images() -> None:
    train, test = GroundTruth.from_grid((10, 30)).train_test_split(10_000, 5_000, random())
    assert len(train) == 200
    assert len(test) == 100
    assert not set(train.tolist()) & set(test.tolist())


def test_labels_without_equal_values_are_an_error() -> None:
    distinct = GroundTruth.from_labels(np.arange(200).reshape(100, 2), is_continuous=[False] * 2)
    with pytest.raises(BvaeError, match="no two samples share a value of the factor factor0"):
        beta_vae_score(np.zeros((100, 3), np.float32), distinct, random())


@pytest.mark.parametrize("factor", range(4))
def test_sampled_images_share_the_factor_and_no_other(factor: int) -> None:
    given = GRID.sample(20_000, random())
    partners = GRID.sample_sharing_factor(given, factor, random(1))
    agree = (GRID.factors[given] == GRID.factors[partners]).mean(axis=0)
    expected = [1 / size for size in GRID.sizes]
    expected[factor] = 1
    assert agree == pytest.approx(expected, abs=0.02)
