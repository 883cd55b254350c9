"""Gradient boosting, compared with that of scikit-learn."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.tree import DecisionTreeRegressor

from bvae_cli.metrics.boosting import TrainingSet, add_gains, boost, grow_tree, predict, sort_by_feature


@pytest.mark.parametrize("decimals", [7, 1], ids=["distinct values", "equal values"])
def test_a_tree_equals_that_of_scikit_learn(decimals: int) -> None:
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(500, 6)).round(decimals).astype(np.float32)
    residual = 0.9 * np.tanh(codes[:, 0] + codes[:, 1] * codes[:, 2] + 0.1 * rng.normal(size=500))
    reference = DecisionTreeRegressor(max_depth=3, random_state=0).fit(codes, residual)
    training_set, gains = TrainingSet(codes.T.astype(np.float64), 2, rng), np.zeros(6)
    tree = grow_tree(sort_by_feature(training_set.codes), residual, 3, training_set)
    add_gains(tree, gains)
    np.testing.assert_allclose(gains / gains.sum(), reference.feature_importances_, rtol=1e-9, atol=1e-12)
    leaves = np.asarray(predict(tree, training_set.codes))
    for leaf in np.unique(reference.apply(codes)):
        assert np.ptp(leaves[reference.apply(codes) == leaf]) == 0
    assert len(np.unique(leaves)) == reference.get_n_leaves()


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_boosting_equals_that_of_scikit_learn_except_for_ties(classes: int) -> None:
    """In small nodes several features may have equal gain; both implementations then choose one at random."""
    rng = np.random.default_rng(classes)
    values, codes = rng.integers(0, classes, 2000), rng.normal(size=(2000, 5)).astype(np.float32)
    codes[:, 0] += 0.5 * values
    codes[:, 1] -= 0.2 * values
    reference = GradientBoostingClassifier(random_state=0).fit(codes[:1000], values[:1000])
    boosted = boost(codes[:1000], values[:1000], codes[1000:], seed=0)
    np.testing.assert_allclose(boosted.importance, reference.feature_importances_, atol=0.02)
    accuracy = np.mean(boosted.predictions == values[1000:])
    assert accuracy == pytest.approx(reference.score(codes[1000:], values[1000:]), abs=0.02)


def test_two_copies_of_a_feature_share_its_importance() -> None:
    rng = np.random.default_rng(0)
    values, noise = rng.integers(0, 4, 600), rng.normal(size=600)
    codes = np.stack([values + noise, noise[::-1], values + noise], axis=1).astype(np.float32)
    first, other, second = boost(codes, values, codes, seed=0).importance
    assert min(first, second) > other


def test_constant_features_have_no_importance() -> None:
    values = np.arange(200) % 3
    boosted = boost(np.ones((200, 4), np.float32), values, np.ones((7, 4), np.float32), seed=0)
    assert not boosted.importance.any()
    assert len(boosted.predictions) == 7
