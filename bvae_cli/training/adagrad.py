"""Adagrad (Duchi et al. 2011, section 1.1), with which Higgins et al. 2017 trained."""

from collections.abc import Iterable

import torch
from torch import Tensor

EPSILON = 1e-10


class Adagrad(torch.optim.Optimizer):
    """Each weight's steps shrink with the root of the sum of its squared gradients.

    torch's own cannot be recorded as a CUDA graph.
    """

    def __init__(self, weights: Iterable[Tensor], rate: Tensor) -> None:
        """Of weights, and a scalar rate on their device."""
        super().__init__(weights, {"lr": rate})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Move each weight against its gradient."""
        weights = self.param_groups[0]["params"]
        for weight in weights:
            if not self.state[weight]:
                self.state[weight]["sum"] = torch.zeros_like(weight)
        gradients, sums = [weight.grad for weight in weights], [self.state[weight]["sum"] for weight in weights]
        torch._foreach_addcmul_(sums, gradients, gradients)
        scaled = torch._foreach_div(gradients, torch._foreach_add(torch._foreach_sqrt(sums), EPSILON))
        torch._foreach_sub_(weights, torch._foreach_mul(scaled, self.param_groups[0]["lr"]))
