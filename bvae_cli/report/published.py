"""What others found, to read a score beside."""

import math
from dataclasses import dataclass

from bvae_cli.datasets.dsprites import DSPRITES
from bvae_cli.datasets.spec import DataSpec


@dataclass(frozen=True)
class Range:
    """From the lowest to the highest score that a study found."""

    low: float
    high: float

    def places(self, value: float) -> dict[str, float]:
        """Where the range and a score lie on a line from zero to a little past the greater, in percent."""
        end = 1.15 * (max(self.high, value) if math.isfinite(value) else self.high)
        shown = {"low": self.low, "width": self.high - self.low, "dot": max(value, 0.0)}
        return {name: 100 * place / end for name, place in shown.items() if math.isfinite(place)}


SOURCE = "Locatello et al. 2019"
OF = "β-VAEs of many β and seeds on dSprites, each trained for 300,000 steps (arXiv 1811.12359)"
RANGES = {
    "higgins": Range(0.65, 0.95),
    "factor_vae": Range(0.50, 0.85),
    "mig": Range(0.03, 0.35),
    "dci_disentanglement": Range(0.10, 0.60),
    "sap": Range(0.01, 0.10),
    "modularity": Range(0.70, 0.95),
}
"""By score."""


def ranges_for(spec: DataSpec) -> dict[str, Range]:
    """What there is to read the scores of a model of some data beside: of dSprites, whole, alone."""
    return RANGES if (spec.name, spec.factors) == (DSPRITES.spec.name, DSPRITES.spec.factors) else {}
