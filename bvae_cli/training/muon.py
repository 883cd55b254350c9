"""Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): orthogonalised momentum for weight matrices."""

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from bvae_cli.system.device import has_bfloat16
from bvae_cli.training.optimizer import Optimizer

MOMENTUM = 0.95
NEWTON_SCHULZ_STEPS = 5
FIRST, THIRD, FIFTH = 3.4445, -4.7750, 2.0315  # coefficients of the authors' polynomial, which is steep at zero
ADAM_RMS = 0.2  # root mean square of Adam's updates, matched here so that one learning rate suits both optimizers


class Muon(Optimizer):
    """Gradient descent along the momentum matrix with all its singular values set to about 1.

    It is for weights with two or more dimensions; a convolution's weight counts as the matrix of its first dimension
    and all others. Updates have the size of Adam's (Liu et al. 2025, arXiv 2502.16982, section 2.2).
    """

    def init_state(self, weight: Tensor) -> dict[str, Tensor]:
        """Return the average of the gradients."""
        return {"momentum": torch.zeros_like(weight)}

    @torch.no_grad()
    def step(self) -> None:
        """Update all weights by their gradients, jointly for weights of one shape."""
        groups: dict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for weight, update in zip(self.weights, self.nesterov_momentum(), strict=True):
            groups[to_wide_matrix(update).shape].append((weight, update))
        for group in groups.values():
            weights, updates = zip(*group, strict=True)
            steps = orthogonalize(torch.stack([to_wide_matrix(update) for update in updates]))
            size = self.lr * (ADAM_RMS * max(steps.shape[1:]) ** 0.5)
            for weight, step in zip(weights, steps * -size, strict=True):
                weight.add_(from_wide_matrix(step, weight))

    def nesterov_momentum(self) -> Sequence[Tensor]:
        """Update the momentum of all weights; return Nesterov's momentum."""
        gradients, momenta = self.gradients(), self.gather_state("momentum")
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        return torch._foreach_lerp(gradients, momenta, MOMENTUM)


def to_wide_matrix(weight: Tensor) -> Tensor:
    """Return a weight as a matrix with no more rows than columns."""
    matrix = weight.flatten(1)
    return matrix if len(matrix) <= matrix.shape[1] else matrix.T


def from_wide_matrix(matrix: Tensor, weight: Tensor) -> Tensor:
    """Return a wide matrix in the shape of its weight."""
    return (matrix if len(weight) <= weight[0].numel() else matrix.T).reshape(weight.shape)


def orthogonalize(matrices: Tensor) -> Tensor:
    """Set the singular values of (matrices, rows, columns) to about 1 by Newton–Schulz iteration.

    It is computed in bfloat16, whose rounding errors are small beside the authors' tolerance, or in float32 where the
    device has no bfloat16.
    """
    x = matrices.bfloat16() if has_bfloat16(matrices.device.type) else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT  # (matrices, rows, rows)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=THIRD, alpha=FIFTH), x, beta=FIRST)
    return x.to(matrices.dtype)
