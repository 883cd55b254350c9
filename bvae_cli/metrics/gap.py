"""The gap between the two best latents of a factor, shared by MIG and SAP."""

import numpy as np
from numpy.typing import NDArray


def gap(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the difference of the two highest of (latents, factors) scores per factor, (factors,).

    If there is a single latent, the second score is 0.
    """
    ranked = np.sort(np.vstack([scores, np.zeros_like(scores[:1])]), axis=0)[::-1]
    return np.asarray(ranked[0] - ranked[1])
