"""Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): momentum, made orthogonal, for weights with rows."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

MOMENTUM = 0.95
ROUNDS = 5
FIRST, THIRD, FIFTH = 3.4445, -4.7750, 2.0315  # the authors' polynomial, steep at zero
ADAMS = 0.2  # root mean square of Adam's steps, to which these are brought, so that one rate fits both


class Muon(torch.optim.Optimizer):
    """Every direction in which a weight's gradients have pointed is followed by the same length.

    A convolution's weight counts as the matrix of its first dimension and all others. Steps have the size of Adam's
    (Liu et al. 2025, arXiv 2502.16982, section 2.2).
    """

    def __init__(self, weights: Iterable[Tensor], rate: Tensor) -> None:
        """Of weights of two dimensions or more, and a scalar rate on their device."""
        super().__init__(weights, {"lr": rate})
        self.alike: dict[torch.Size, list[Tensor]] = defaultdict(list)  # by the shape of their matrices
        for weight in self.param_groups[0]["params"]:
            self.alike[wide(weight).shape].append(weight)

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Move each weight against its gradient."""
        for weights in self.alike.values():
            steps = orthogonal(torch.stack([wide(update) for update in self.updates(weights)]))
            size = self.param_groups[0]["lr"] * (ADAMS * max(steps.shape[1:]) ** 0.5)
            for weight, step in zip(weights, steps * -size, strict=True):
                weight.add_(narrow(step, weight))

    def updates(self, weights: Sequence[Tensor]) -> Sequence[Tensor]:
        """Nesterov's momentum of each."""
        for weight in weights:
            if not self.state[weight]:
                self.state[weight]["momentum"] = torch.zeros_like(weight)
        gradients, momenta = [weight.grad for weight in weights], [self.state[weight]["momentum"] for weight in weights]
        torch._foreach_lerp_(momenta, gradients, 1 - MOMENTUM)  # type: ignore[arg-type]
        return torch._foreach_lerp(gradients, momenta, MOMENTUM)  # type: ignore[arg-type]


def wide(weight: Tensor) -> Tensor:
    """The matrix of a weight, with no more rows than columns."""
    matrix = weight.flatten(1)
    return matrix if len(matrix) <= matrix.shape[1] else matrix.T


def narrow(matrix: Tensor, weight: Tensor) -> Tensor:
    """A wide matrix in the shape of the weight that it is of."""
    return (matrix if len(weight) <= weight[0].numel() else matrix.T).reshape(weight.shape)


def orthogonal(matrices: Tensor) -> Tensor:
    """(matrices, rows, columns), singular values brought near to 1 by Newton–Schulz rounds, in bfloat16."""
    x = matrices.bfloat16()
    x /= x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(ROUNDS):
        gram = x @ x.mT  # (matrices, rows, rows)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=THIRD, alpha=FIFTH), x, beta=FIRST)
    return x.to(matrices.dtype)
