"""Published score ranges for comparison."""

import math
from dataclasses import dataclass

from bvae_cli.datasets.dsprites import DSPRITES
from bvae_cli.images.spec import DataSpec


@dataclass(frozen=True)
class PublishedRange:
    """The lowest and the highest score reported by a study."""

    low: float
    high: float

    def positions(self, value: float) -> dict[str, float]:
        """Return the positions of the range and of a score on an axis that starts at zero, in percent of its length."""
        end = 1.15 * (max(self.high, value) if math.isfinite(value) else self.high)
        positions = {"low": self.low, "width": self.high - self.low, "dot": max(value, 0.0)}
        return {name: 100 * position / end for name, position in positions.items() if math.isfinite(position)}


SOURCE = "Locatello et al. 2019"
STUDY = "β-VAEs with several β and 50 seeds on dSprites, each trained for 300,000 steps (arXiv 1811.12359)"
RANGES = {
    "beta_vae_score": PublishedRange(0.65, 0.95),
    "factor_vae_score": PublishedRange(0.50, 0.85),
    "mig": PublishedRange(0.03, 0.35),
    "dci_disentanglement": PublishedRange(0.10, 0.60),
    "sap": PublishedRange(0.01, 0.10),
    "modularity": PublishedRange(0.70, 0.95),
}
"""Published range by score name."""


def published_ranges(spec: DataSpec) -> dict[str, PublishedRange]:
    """Return the published ranges for a data set; only the complete dSprites data set has some."""
    return RANGES if (spec.name, spec.factors) == (DSPRITES.spec.name, DSPRITES.spec.factors) else {}
