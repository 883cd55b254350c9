"""Correlations of latents and factors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def squared_correlation(codes: NDArray[Any], factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared correlations of codes and factors, (latents, factors); 0 if one of both is constant."""
    one, other = (values - values.mean(axis=0, dtype=np.float64) for values in (codes, factors))
    scale = np.outer(np.square(one).sum(axis=0), np.square(other).sum(axis=0))
    return np.asarray(np.divide((one.T @ other) ** 2, scale, out=np.zeros_like(scale), where=scale > 0))
