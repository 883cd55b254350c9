"""Unsupervised disentanglement ranking, UDR (Duan et al. 2020, section 4)."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.1  # regularisation weight of the lasso


def udr(codes: Sequence[NDArray[np.float32]], seed: int = 0, spearman: bool = False) -> list[float]:
    """Compute the similarity of each model's latents to those of the other models, up to permutation and sign.

    As in the authors' code (disentanglement_lib, `udr`), the lasso predicts the latents of the model that is scored
    from those of another model, and the relative strengths are averaged over the latents of each model first, then over
    both models. Equation 3 of the paper divides their sum by the number of all latents instead; the two are equal if
    both models have as many active latents.

    Args:
        codes: for each model, (images, latents), for the same images; the authors leave out inactive latents.
        seed: seed of the lasso.
        spearman: compare latents by Spearman's rank correlation instead of lasso weights.

    Returns:
        The UDR of each model: the median similarity to the other models, 0 to 1, higher is better.
    """
    scores = []
    for index, scored in enumerate(codes):
        others = [other for other_index, other in enumerate(codes) if other_index != index]
        scores.append(float(np.median([pair_score(other, scored, seed, spearman) for other in others])))
    return scores


def pair_score(one: NDArray[np.float32], other: NDArray[np.float32], seed: int, spearman: bool) -> float:
    """Return the similarity of two models' latents, 0 to 1; 0 if one model has none. `one` predicts `other`."""
    if not one.shape[1] or not other.shape[1]:
        return 0.0
    return relative_strength(rank_correlation(one, other) if spearman else lasso_weights(one, other, seed))


def lasso_weights(one: NDArray[np.float32], other: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    """Return the absolute lasso weights that predict each latent of `other`, (latents of one, latents of other)."""
    from sklearn.linear_model import Lasso
    from sklearn.preprocessing import StandardScaler

    inputs, targets = (StandardScaler().fit_transform(codes) for codes in (one, other))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of latents that the lasso cannot predict
        weights = Lasso(alpha=ALPHA, random_state=seed).fit(inputs, targets).coef_
    return np.asarray(np.abs(np.atleast_2d(weights)).T)


def rank_correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return Spearman's absolute rank correlations, (latents of one, latents of other)."""
    ranks = [np.argsort(np.argsort(codes, axis=0), axis=0).T for codes in (one, other)]
    return np.abs(np.corrcoef(ranks[0], ranks[1])[: len(ranks[0]), len(ranks[0]) :])


def relative_strength(similarity: NDArray[np.float64]) -> float:
    """Return max² / sum, averaged over rows and over columns: 1 if latents correspond one to one."""
    return float(np.mean([mean_relative_strength(similarity), mean_relative_strength(similarity.T)]))


def mean_relative_strength(similarity: NDArray[np.float64]) -> float:
    """Return max² / sum of each row, averaged over rows; a row of zeros counts 0."""
    total = similarity.sum(axis=1)
    return float(np.mean(similarity.max(axis=1) ** 2 / np.where(total > 0, total, 1.0)))
