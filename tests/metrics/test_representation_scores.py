"""InfoMEC, MCC, MIG-sup, JEMMIG, DCIMIG and predictive metrics on representations with known scores."""

import math

import numpy as np
import pytest

from bvae_cli.metrics.dci_es import explicitness_of
from bvae_cli.metrics.dcimig import dcimig, dcimig_of
from bvae_cli.metrics.downstream import downstream_boosting, downstream_logistic
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.infomec import concentration, infomec
from bvae_cli.metrics.jemmig import jemmig, jemmig_of
from bvae_cli.metrics.mcc import assigned_mean, mcc
from bvae_cli.metrics.mig_sup import mig_sup
from bvae_cli.metrics.strong_generalisation import shift, strong_generalisation
from bvae_cli.metrics.unfairness import mean_total_variation, unfairness

Array = np.ndarray


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def rotate(codes: Array) -> Array:
    """Rotate the first two of (images, latents) codes by 45°."""
    first, second = codes[:, 0], codes[:, 1]
    return np.column_stack([(first + second) / 2**0.5, (first - second) / 2**0.5, codes[:, 2:]]).astype(np.float32)


GRID = GroundTruth.from_grid((10, 10, 10))
CODES = GRID.factors.astype(np.float32)
DUPLICATED, ROTATED = np.hstack([CODES, CODES]), rotate(CODES)
NOISE = random(1).normal(size=(1000, 3)).astype(np.float32)
MEASURED = GroundTruth.from_labels(random(2).normal(size=(2000, 3)))
MEASURED_CODES = MEASURED.values.astype(np.float32)
UNIFORM = math.log(10)  # entropy of a factor of GRID, nats


def test_infomec_of_discrete_codes() -> None:
    """A full grid has no sampling error: the shares of mutual information are exact."""
    scores = infomec(CODES, GRID, random())
    assert scores["info_modularity"] == pytest.approx(1)
    assert scores["info_compactness"] == pytest.approx(1)
    assert scores["info_explicitness"] == pytest.approx(1, abs=0.01)
    duplicated = infomec(DUPLICATED, GRID, random())
    assert duplicated["info_modularity"] == pytest.approx(1)
    assert duplicated["info_compactness"] == pytest.approx((1 / 2 - 1 / 6) / (1 - 1 / 6))
    rotated = infomec(ROTATED, GRID, random())
    assert rotated["info_modularity"] == pytest.approx(0.5, abs=0.02)  # shares ½, ½, 1
    assert rotated["info_explicitness"] > 0.9


def test_infomec_of_continuous_codes_and_measurements() -> None:
    for codes, truth in (
        (CODES + 1e-3 * NOISE, GRID),
        (MEASURED_CODES, MEASURED),
    ):
        scores = infomec(codes, truth, random())
        assert scores["info_modularity"] > 0.95
        assert scores["info_compactness"] > 0.95
        assert scores["info_explicitness"] > 0.95
        assert infomec(rotate(codes), truth, random())["info_modularity"] < 0.75
        assert infomec(NOISE[: len(codes)], truth.subset(np.arange(1000)), random())["info_explicitness"] < 0.05


def test_infomec_prunes_latents_of_small_range_and_survives_collapse() -> None:
    inactive = np.hstack([MEASURED_CODES, 1e-3 * MEASURED_CODES])
    assert infomec(inactive, MEASURED, random()) == pytest.approx(infomec(MEASURED_CODES, MEASURED, random()), abs=0.02)
    assert set(infomec(0 * CODES, GRID, random()).values()) == {0.0}
    single = infomec(CODES[:, :1], GRID, random())
    assert single["info_modularity"] == pytest.approx(1)
    assert single["info_compactness"] == pytest.approx(1 / 3)


def test_closed_forms_of_concentration() -> None:
    assert concentration(np.eye(4)) == pytest.approx(1)
    assert concentration(np.ones((4, 4))) == pytest.approx(0)
    assert concentration(np.zeros((4, 4))) == pytest.approx(0)
    assert concentration(np.array([[1.0, 1, 0, 0]])) == pytest.approx((1 / 2 - 1 / 4) / (1 - 1 / 4))


def test_mcc() -> None:
    scores = mcc(CODES[:, [2, 0, 1]] * np.array([-1, 1, 5], np.float32), GRID, random())
    assert scores["mcc_pearson"] == scores["mcc_spearman"] == pytest.approx(1)
    assert mcc(DUPLICATED, GRID, random())["mcc_pearson"] == pytest.approx(1)
    assert mcc(ROTATED, GRID, random())["mcc_pearson"] == pytest.approx((2 / 2**0.5 + 1) / 3)
    assert mcc(CODES[:, :2], GRID, random())["mcc_pearson"] == pytest.approx(2 / 3)
    assert mcc(np.exp(CODES), GRID, random())["mcc_spearman"] == pytest.approx(1)
    assert mcc(np.exp(CODES), GRID, random())["mcc_pearson"] < 0.8


def test_mcc_of_noise_is_that_of_its_null_baseline() -> None:
    wide = random().normal(size=(1000, 100)).astype(np.float32)
    scores = mcc(wide, GRID, random())
    for name in ("mcc_pearson", "mcc_spearman"):
        assert scores[name] == pytest.approx(scores[f"{name}_null"], abs=0.02)
        assert scores[f"{name}_null"] == pytest.approx(math.sqrt(2 * math.log(100) / 1000), abs=0.02)


def test_mcc_assigns_each_latent_once() -> None:
    assert assigned_mean(np.array([[0.9, 0.8], [0.7, 0.1]])) == pytest.approx((0.8 + 0.7) / 2)


def test_mig_sup_penalises_latents_of_two_factors_and_no_duplicates() -> None:
    assert mig_sup(CODES, GRID, random())["mig_sup"] == pytest.approx(1, abs=0.02)
    assert mig_sup(DUPLICATED, GRID, random())["mig_sup"] == pytest.approx(1, abs=0.02)
    assert mig_sup(ROTATED, GRID, random())["mig_sup"] == pytest.approx(1 / 3, abs=0.02)
    assert mig_sup(NOISE, GRID, random())["mig_sup"] < 0.1


def test_jemmig() -> None:
    ideal = jemmig_of(UNIFORM * np.eye(3), np.full(3, UNIFORM), np.full(3, UNIFORM))
    assert ideal == pytest.approx(np.ones(3))
    twice = jemmig_of(np.vstack([UNIFORM * np.eye(3)] * 2), np.full(6, UNIFORM), np.full(3, UNIFORM))
    assert twice == pytest.approx(np.full(3, 1 - UNIFORM / (UNIFORM + math.log(20))))
    independent = jemmig_of(np.zeros((2, 1)), np.full(2, math.log(20)), np.array([UNIFORM]))
    assert independent == pytest.approx(np.zeros(1))
    assert jemmig(CODES, GRID, random())["jemmig"] == pytest.approx(1, abs=0.01)
    assert jemmig(ROTATED, GRID, random())["jemmig"] < 0.7
    assert jemmig(NOISE, GRID, random())["jemmig"] < 0.25


def test_dcimig() -> None:
    assert dcimig_of(np.eye(3), np.ones(3)) == pytest.approx(1)
    assert dcimig_of(np.vstack([np.eye(3), 0.5 * np.eye(3)]), np.ones(3)) == pytest.approx(1)
    assert dcimig_of(np.array([[0.8, 0.2], [0.6, 0.5]]), np.ones(2)) == pytest.approx(0.6 / 2)
    assert dcimig(CODES, GRID, random())["dcimig"] == pytest.approx(1, abs=0.02)
    assert dcimig(DUPLICATED, GRID, random())["dcimig"] == pytest.approx(1, abs=0.02)
    assert dcimig(ROTATED, GRID, random())["dcimig"] == pytest.approx(1 / 3, abs=0.02)
    assert dcimig(NOISE, GRID, random())["dcimig"] < 0.1


def test_closed_forms_of_dci_es() -> None:
    capacities = np.array([1.0, 2, 3, 4, 5])
    assert explicitness_of(capacities, np.full(5, 0.3), 0.9) == 1
    assert explicitness_of(capacities, np.linspace(0.9, 0, 5), 0.9) == pytest.approx(0)
    assert explicitness_of(capacities, np.array([0.8, 0, 0.5, 0, 0]), 0.8) == pytest.approx(1 - 2 * 0.4 / (4 * 0.8))


SMALL = GroundTruth.from_grid((3, 3, 120))
SMALL_CODES = SMALL.factors.astype(np.float32)
PAIR = SMALL.select_factors(SMALL.names[:2])


@pytest.mark.parametrize("score", [downstream_boosting, downstream_logistic])
def test_downstream_accuracy_grows_with_labels(score) -> None:  # type: ignore[no-untyped-def]
    scores = score(SMALL_CODES[:, :2], PAIR, random(), sizes=(6, 100, 10_000), test=300)
    name = score.__name__
    assert set(scores) == {f"{name}_6", f"{name}_100"}  # there are not enough images for 10,000 labels
    assert scores[f"{name}_6"] < scores[f"{name}_100"] == 1
    noise = score(random().normal(size=(len(SMALL), 2)).astype(np.float32), PAIR, random(), sizes=(100,), test=300)
    assert noise[f"{name}_100"] == pytest.approx(1 / 3, abs=0.1)


def test_downstream_efficiency_is_the_ratio_of_two_accuracies() -> None:
    truth = GroundTruth.from_labels(random().integers(2, size=(15_000, 2)))
    codes = (truth.factors + random(1).normal(size=truth.factors.shape)).astype(np.float32)
    scores = downstream_logistic(codes, truth, random(), sizes=(100, 10_000))
    few, many, efficiency = scores.values()
    assert efficiency == few / many
    assert 0.5 < few < many < 1


def test_a_shift_fixes_another_factor_in_training_and_excludes_its_value_from_the_test() -> None:
    train, test = shift(SMALL, 2, 1000, 1000, random())
    fixed = [factor for factor in range(3) if len(np.unique(SMALL.factors[train, factor])) == 1]
    assert len(fixed) == 1
    assert fixed != [2]
    assert not set(SMALL.factors[train, fixed[0]]) & set(SMALL.factors[test, fixed[0]])


def test_strong_generalisation_falls_by_rotation() -> None:
    ideal = strong_generalisation(SMALL_CODES[:, :2], PAIR, random(), train=200, test=200, draws=2)
    assert ideal == {"strong_generalisation_accuracy": 1, "strong_generalisation_gap": 0}
    rotated = strong_generalisation(rotate(SMALL_CODES[:, :2]), PAIR, random(), train=200, test=200, draws=2)
    assert rotated["strong_generalisation_accuracy"] < 0.8
    assert rotated["strong_generalisation_gap"] == pytest.approx(1 - rotated["strong_generalisation_accuracy"])


def test_unfairness() -> None:
    assert mean_total_variation(np.array([[0, 0, 1, 1], [1, 0, 1, 0]])) == 0
    assert mean_total_variation(np.array([[0, 0], [1, 1]])) == 0.5
    fair = unfairness(SMALL_CODES[:, :2], PAIR, random(), train=300)
    assert fair["unfairness"] == pytest.approx(fair["unfairness_null"], abs=0.05)
    entangled = unfairness(SMALL_CODES[:, :2].sum(axis=1, keepdims=True), PAIR, random(), train=300)
    assert entangled["unfairness"] > 0.25
    assert entangled["unfairness_null"] < 0.1


def test_a_measurement_is_binned_for_metrics_that_need_classes() -> None:
    values = np.linspace(0, 1, 4001)
    truth = GroundTruth.from_labels(np.column_stack([values, values > 0.5]), ["angle", "side"])
    assert truth.is_continuous == [True, False]
    assert truth.sizes == [20, 2]
    assert truth.values[:, 0].tolist() == values.tolist()
    half = truth.subset(np.arange(2000)).select_factors(["angle"])
    assert half.values[:, 0].tolist() == values[:2000].tolist()
    assert GroundTruth.from_labels(values[:, None], is_continuous=[False]).sizes == [4001]
    assert GroundTruth.from_labels(np.arange(100)[:, None]).is_continuous == [False]
