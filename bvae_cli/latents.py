"""Which latent is which."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bvae_cli.datasets.spec import DataSpec
from bvae_cli.encoding import Encoding
from bvae_cli.metrics.mutual_information import mutual_information

UNUSED = 0.01  # nats; a latent whose KL is less is unused (the threshold of Duan et al. 2020, section 4)


@dataclass(frozen=True)
class Latent:
    """What is known of one latent over a data set."""

    index: int
    kl: float  # mean KL to the prior, nats
    variance: float  # mean posterior variance; the prior's is 1
    low: float  # least posterior mean
    high: float  # greatest posterior mean
    factor: str | None  # the factor it tells most of; None where it is unused or there are no factors
    information: float  # mutual information with that factor, nats
    share: float  # of that factor's entropy, 0 to 1

    @property
    def used(self) -> bool:
        """Whether it tells anything of a picture."""
        return self.kl >= UNUSED


def describe(encoding: Encoding, spec: DataSpec, factors: NDArray[np.int64]) -> list[Latent]:
    """Each latent, by number, over images of which `factors` (images, factors) are known."""
    mean, kl = encoding.mean.numpy(), encoding.kl.mean(dim=0).tolist()
    variance = encoding.logvar.exp().mean(dim=0).tolist()
    information = mutual_information(mean, factors, spec.grid)  # (latents, factors)
    names, entropies = list(spec.factors), np.log(spec.grid)
    rows = []
    for index, told in enumerate(information):
        top = int(told.argmax())
        known = (
            (names[top], float(told[top]), float(told[top] / entropies[top]))
            if kl[index] >= UNUSED
            else (None, 0.0, 0.0)
        )
        low, high = float(mean[:, index].min()), float(mean[:, index].max())
        rows.append(Latent(index, kl[index], variance[index], low, high, *known))
    return rows


def by_kl(latents: list[Latent]) -> list[Latent]:
    """The same, from the most telling to the least."""
    return sorted(latents, key=lambda latent: -latent.kl)
