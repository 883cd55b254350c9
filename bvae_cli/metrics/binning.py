"""Binning of codes and of continuous factors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 20


def equal_width_bins(values: NDArray[Any], count: int = BINS) -> NDArray[np.int64]:
    """Return the bin, from 0, of each of (images,) values; a constant has a single bin."""
    low, high = values.min(), values.max()
    scale = count / (high - low) if high > low else 0.0
    bins: NDArray[np.int64] = ((values - low) * scale).astype(np.int64)
    return bins.clip(max=count - 1)
