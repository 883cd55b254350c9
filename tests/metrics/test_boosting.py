"""Boosted trees beside scikit-learn's."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.tree import DecisionTreeRegressor

from bvae_cli.metrics.boosting import TrainingSet, add_gains, boost, grow_tree, predict, sorted_by_feature


@pytest.mark.parametrize("decimals", [7, 1], ids=["values of their own", "equal values"])
def test_a_tree_is_scikit_learns(decimals: int) -> None:
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(500, 6)).round(decimals).astype(np.float32)
    residual = 0.9 * np.tanh(codes[:, 0] + codes[:, 1] * codes[:, 2] + 0.1 * rng.normal(size=500))
    published = DecisionTreeRegressor(max_depth=3, random_state=0).fit(codes, residual)
    lesson, gains = TrainingSet(codes.T.astype(np.float64), 2, rng), np.zeros(6)
    tree = grow_tree(sorted_by_feature(lesson.codes), residual, 3, lesson)
    add_gains(tree, gains)
    np.testing.assert_allclose(gains / gains.sum(), published.feature_importances_, rtol=1e-9, atol=1e-12)
    leaves = np.asarray(predict(tree, lesson.codes))
    for leaf in np.unique(published.apply(codes)):
        assert np.ptp(leaves[published.apply(codes) == leaf]) == 0
    assert len(np.unique(leaves)) == published.get_n_leaves()


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_boosted_trees_are_scikit_learns_but_for_ties(classes: int) -> None:
    """In small nodes several features may part the images equally well; chance then takes one, there as here."""
    rng = np.random.default_rng(classes)
    values, codes = rng.integers(0, classes, 2000), rng.normal(size=(2000, 5)).astype(np.float32)
    codes[:, 0] += 0.5 * values
    codes[:, 1] -= 0.2 * values
    published = GradientBoostingClassifier(random_state=0).fit(codes[:1000], values[:1000])
    boosted = boost(codes[:1000], values[:1000], codes[1000:], seed=0)
    np.testing.assert_allclose(boosted.importance, published.feature_importances_, atol=0.02)
    accuracy = np.mean(boosted.predictions == values[1000:])
    assert accuracy == pytest.approx(published.score(codes[1000:], values[1000:]), abs=0.02)


def test_two_copies_of_a_feature_share_its_importance() -> None:
    rng = np.random.default_rng(0)
    values, noise = rng.integers(0, 4, 600), rng.normal(size=600)
    copied = np.stack([values + noise, noise[::-1], values + noise], axis=1).astype(np.float32)
    first, other, second = boost(copied, values, copied, seed=0).importance
    assert min(first, second) > other


def test_features_that_do_not_vary_have_no_importance() -> None:
    values = np.arange(200) % 3
    boosted = boost(np.ones((200, 4), np.float32), values, np.ones((7, 4), np.float32), seed=0)
    assert not boosted.importance.any()
    assert len(boosted.predictions) == 7
