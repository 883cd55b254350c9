"""What the gaps of several metrics have in common."""

import numpy as np
from numpy.typing import NDArray


def gap(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(factors,): by how much the best of (latents, factors) scores leads; a latent that is not there scores 0."""
    ranked = np.sort(np.vstack([scores, np.zeros_like(scores[:1])]), axis=0)[::-1]
    return np.asarray(ranked[0] - ranked[1])
