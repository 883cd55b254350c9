"""Estimation of the aggregate posterior q(z) from the posteriors of a batch or a subset of the images."""

import math

from torch import Tensor


def stratified_log_weights(num_images: int, num_posteriors: int) -> tuple[float, float]:
    """Return the log-weights of a code's own posterior and of each other posterior in the estimate of q(z).

    This is minibatch stratified sampling (Chen et al. 2018, appendix C.2). A code's own posterior gets the weight of
    one image, 1 / N; the other posteriors share the rest equally. The estimate of q(z) is therefore unbiased. (The
    authors reach the same by giving one of the others a smaller weight than the rest.)
    """
    others = (num_images - 1) / (num_images * max(1, num_posteriors - 1))
    return -math.log(num_images), math.log(others)


def clamped_logsumexp(log_densities: Tensor) -> Tensor:
    """Return ln Σ e^x over the posteriors, (samples, posteriors) to (samples,).

    Terms below e^-80 of the largest are clamped to that value. Most posteriors are far from a code, and a CPU takes
    ten times as long over an exponential that underflows.
    """
    maximum = log_densities.amax(dim=1, keepdim=True)
    return maximum[:, 0] + (log_densities - maximum).float().clamp_(min=-80).exp_().sum(dim=1).log()
