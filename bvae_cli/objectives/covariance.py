"""How far a covariance is from that of the prior: what the two DIP-VAEs punish."""

import torch
from torch import Tensor


def covariance(mean: Tensor) -> Tensor:
    """(latent_dim, latent_dim): Cov over a batch of (batch, latent_dim) posterior means."""
    centred = mean - mean.mean(dim=0)
    with torch.autocast(mean.device.type, enabled=False):  # whose bfloat16 has but eight bits for a product
        return centred.mT @ centred / len(mean)


def penalty(matrix: Tensor, off_diagonal: float | Tensor, diagonal: float | Tensor) -> Tensor:
    """λ_od·Σ_{i≠j} C_ij² + λ_d·Σ_i (C_ii − 1)² of (latent_dim, latent_dim) C (Kumar et al. 2018, equation 6)."""
    variances = matrix.diagonal()
    others = matrix - variances.diag_embed()
    return off_diagonal * others.square().sum() + diagonal * (variances - 1).square().sum()
