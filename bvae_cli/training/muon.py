"""Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): momentum, made orthogonal, for weights with rows."""

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from bvae_cli.training.optimizer import Optimizer

MOMENTUM = 0.95
NEWTON_SCHULZ_STEPS = 5
FIRST, THIRD, FIFTH = 3.4445, -4.7750, 2.0315  # the authors' polynomial, steep at zero
ADAM_RMS = 0.2  # root mean square of Adam's steps, to which these are brought, so that one rate fits both


class Muon(Optimizer):
    """Every direction in which a weight's gradients have pointed is followed by the same length.

    For weights of two dimensions or more; a convolution's counts as the matrix of its first dimension and all others.
    Steps have the size of Adam's (Liu et al. 2025, arXiv 2502.16982, section 2.2).
    """

    def init_state(self, weight: Tensor) -> dict[str, Tensor]:
        """The mean of the gradients."""
        return {"momentum": torch.zeros_like(weight)}

    @torch.no_grad()
    def step(self) -> None:
        """Move each weight, those of one shape together."""
        together: dict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
        for weight, update in zip(self.weights, self.updates(), strict=True):
            together[to_wide_matrix(update).shape].append((weight, update))
        for group in together.values():
            weights, updates = zip(*group, strict=True)
            steps = orthogonalize(torch.stack([to_wide_matrix(update) for update in updates]))
            size = self.lr * (ADAM_RMS * max(steps.shape[1:]) ** 0.5)
            for weight, step in zip(weights, steps * -size, strict=True):
                weight.add_(from_wide_matrix(step, weight))

    def updates(self) -> Sequence[Tensor]:
        """Nesterov's momentum of each."""
        gradients, momenta = self.gradients(), self.gather_state("momentum")
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)
        return torch._foreach_lerp(gradients, momenta, MOMENTUM)


def to_wide_matrix(weight: Tensor) -> Tensor:
    """The matrix of a weight, with no more rows than columns."""
    matrix = weight.flatten(1)
    return matrix if len(matrix) <= matrix.shape[1] else matrix.T


def from_wide_matrix(matrix: Tensor, weight: Tensor) -> Tensor:
    """A wide matrix in the shape of the weight that it is of."""
    return (matrix if len(weight) <= weight[0].numel() else matrix.T).reshape(weight.shape)


def orthogonalize(matrices: Tensor) -> Tensor:
    """(matrices, rows, columns), singular values brought near to 1 by Newton–Schulz rounds, in bfloat16."""
    x = matrices.bfloat16()
    x /= x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT  # (matrices, rows, rows)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=THIRD, alpha=FIFTH), x, beta=FIRST)
    return x.to(matrices.dtype)
