"""q(z), the distribution of the codes of all images, by the posteriors of some."""

import math

from torch import Tensor


def stratified_log_weights(images: int, posteriors: int) -> tuple[float, float]:
    """The logarithms of what a code's own posterior and each other one count for in q(z) (Chen et al. 2018, app. C.2).

    Its own is that of one image, and counts for it; the others share all that is left, so that q(z) has no bias. (The
    authors give one of them less than the rest, to the same end.)
    """
    others = (images - 1) / (images * max(1, posteriors - 1))
    return -math.log(images), math.log(others)


def clamped_logsumexp(logarithms: Tensor) -> Tensor:
    """(samples,): ln Σ e^x over (samples, posteriors), of which e^-80 of the greatest stands for any that is less.

    Most posteriors are far from a code, and a processor takes ten times as long over a power that vanishes.
    """
    greatest = logarithms.amax(dim=1, keepdim=True)
    return greatest[:, 0] + (logarithms - greatest).float().clamp_(min=-80).exp_().sum(dim=1).log()
