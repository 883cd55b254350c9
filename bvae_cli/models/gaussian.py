"""Element-wise KL divergence and log-density of univariate normal distributions."""

import math

from torch import Tensor


def gaussian_kl(mean: Tensor, logvar: Tensor) -> Tensor:
    """Return KL(N(mean, e^logvar) ‖ N(0, 1)) of each element, nats (Kingma & Welling 2014, appendix B)."""
    return (mean.square() + logvar.exp() - 1 - logvar) / 2


def log_density(z: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """Return ln N(z; mean, e^logvar) of each element, nats."""
    return -((z - mean).square() * (-logvar).exp() + logvar + math.log(2 * math.pi)) / 2


def log_prior(z: Tensor) -> Tensor:
    """Return ln N(z; 0, 1) of each element, nats."""
    return log_density(z, z.new_zeros(()), z.new_zeros(()))
