"""Adagrad (Duchi et al. 2011, section 1.1), the optimizer of Higgins et al. 2017."""

import torch
from torch import Tensor

from bvae_cli.training.optimizer import Optimizer

EPSILON = 1e-10


class Adagrad(Optimizer):
    """Gradient descent in which each weight's step is divided by the root of the sum of its squared gradients.

    PyTorch's Adagrad cannot be captured in a CUDA graph.
    """

    def init_state(self, weight: Tensor) -> dict[str, Tensor]:
        """Return the sum of the squared gradients."""
        return {"sum": torch.zeros_like(weight)}

    @torch.no_grad()
    def step(self) -> None:
        """Update all weights by their gradients."""
        gradients, sums = self.gradients(), self.gather_state("sum")
        torch._foreach_addcmul_(sums, gradients, gradients)
        scaled = torch._foreach_div(gradients, torch._foreach_add(torch._foreach_sqrt(sums), EPSILON))
        torch._foreach_sub_(self.weights, torch._foreach_mul(scaled, self.lr))
