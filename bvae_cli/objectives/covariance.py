"""The covariance penalty of DIP-VAE-I and DIP-VAE-II."""

import torch
from torch import Tensor


def covariance(mean: Tensor) -> Tensor:
    """Return the covariance of (batch, latent_dim) posterior means over the batch, (latent_dim, latent_dim)."""
    centred = mean - mean.mean(dim=0)
    with torch.autocast(mean.device.type, enabled=False):  # bfloat16 is too coarse for a covariance
        return centred.mT @ centred / len(mean)


def penalty(matrix: Tensor, off_diagonal: float | Tensor, diagonal: float | Tensor) -> Tensor:
    """Return λ_od·Σ_{i≠j} C_ij² + λ_d·Σ_i (C_ii − 1)², a scalar (Kumar et al. 2018, equation 6).

    `matrix` is the covariance C, (latent_dim, latent_dim); the penalty is 0 if it is that of the prior, the identity.
    """
    variances = matrix.diagonal()
    covariances = matrix - variances.diag_embed()
    return off_diagonal * covariances.square().sum() + diagonal * (variances - 1).square().sum()
