"""Scores of a representation. To add one: a file here, and a line in the table."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.higgins import higgins

Metric = Callable[[NDArray[np.float32], Sequence[int], np.random.Generator], dict[str, float]]
"""Codes (images, latents) of every image of a factor grid in row-major order, the grid's sizes, the randomness."""

METRICS: dict[str, Metric] = {
    "higgins": higgins,
}
