"""What others found, to read a score beside."""

import math
from dataclasses import dataclass

from bvae_cli.datasets.dsprites import DSPRITES
from bvae_cli.images.spec import DataSpec


@dataclass(frozen=True)
class PublishedRange:
    """From the lowest to the highest score that a study found."""

    low: float
    high: float

    def places(self, value: float) -> dict[str, float]:
        """Where the range and a score lie on a line from zero to a little past the greater, in percent."""
        end = 1.15 * (max(self.high, value) if math.isfinite(value) else self.high)
        shown = {"low": self.low, "width": self.high - self.low, "dot": max(value, 0.0)}
        return {name: 100 * place / end for name, place in shown.items() if math.isfinite(place)}


SOURCE = "Locatello et al. 2019"
STUDY = "β-VAEs of many β and seeds on dSprites, each trained for 300,000 steps (arXiv 1811.12359)"
RANGES = {
    "beta_vae_score": PublishedRange(0.65, 0.95),
    "factor_vae_score": PublishedRange(0.50, 0.85),
    "mig": PublishedRange(0.03, 0.35),
    "dci_disentanglement": PublishedRange(0.10, 0.60),
    "sap": PublishedRange(0.01, 0.10),
    "modularity": PublishedRange(0.70, 0.95),
}
"""By score."""


def published_ranges(spec: DataSpec) -> dict[str, PublishedRange]:
    """What there is to read the scores of a model of some data beside: of dSprites, whole, alone."""
    return RANGES if (spec.name, spec.factors) == (DSPRITES.spec.name, DSPRITES.spec.factors) else {}
