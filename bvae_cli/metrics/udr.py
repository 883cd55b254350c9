"""Unsupervised disentanglement ranking (Duan et al. 2020, section 4)."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.1  # of the lasso


def udr(codes: Sequence[NDArray[np.float32]], seed: int = 0, spearman: bool = False) -> list[float]:
    """How alike what a model has learnt is to what the others have, up to order and sign of the latents.

    Args:
        codes: of each model, (images, latents), of the same images; the authors leave out latents that are unused.
        seed: of the lasso.
        spearman: compare latents by rank correlation in place of the lasso's weights.

    Returns:
        Of each model the median over all others, 0 to 1; the higher, the better.
    """
    numbered = list(enumerate(codes))
    pairs = [
        [pair_score(one, other, seed, spearman) for at, other in numbered if at != place] for place, one in numbered
    ]
    return [float(np.median(scores)) for scores in pairs]


def pair_score(one: NDArray[np.float32], other: NDArray[np.float32], seed: int, spearman: bool) -> float:
    """How alike the latents of two models are; 0 where one of them has none."""
    if not one.shape[1] or not other.shape[1]:
        return 0.0
    return relative_strength(rank_correlation(one, other) if spearman else lasso_weights(one, other, seed))


def lasso_weights(one: NDArray[np.float32], other: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    """(latents of one, latents of other): by which weight each latent of one predicts each of the other."""
    from sklearn.linear_model import Lasso
    from sklearn.preprocessing import StandardScaler

    given, wanted = (StandardScaler().fit_transform(codes) for codes in (one, other))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scikit-learn, about a latent that lasso cannot improve on
        weights = Lasso(alpha=ALPHA, random_state=seed).fit(given, wanted).coef_
    return np.asarray(np.abs(np.atleast_2d(weights)).T)


def rank_correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """(latents of one, latents of other): Spearman's, without the sign."""
    ranks = [np.argsort(np.argsort(codes, axis=0), axis=0).T for codes in (one, other)]
    return np.abs(np.corrcoef(ranks[0], ranks[1])[: len(ranks[0]), len(ranks[0]) :])


def relative_strength(similarity: NDArray[np.float64]) -> float:
    """Whether each latent of two models goes with one of the other's: max² / sum, a mean over rows and over columns."""
    return float(np.mean([mean_relative_strength(similarity), mean_relative_strength(similarity.T)]))


def mean_relative_strength(similarity: NDArray[np.float64]) -> float:
    """max² / sum of each row, a mean; a row of zeros counts 0."""
    total = similarity.sum(axis=1)
    return float(np.mean(similarity.max(axis=1) ** 2 / np.where(total > 0, total, 1.0)))
