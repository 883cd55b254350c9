"""Adam (Kingma & Ba 2015, algorithm 1)."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.optim.adam import adam

from bvae_cli.training.optimizer import Optimizer

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Adam(Optimizer):
    """torch's, all weights in one go."""

    def __init__(self, weights: Iterable[Tensor], lr: Tensor, betas: tuple[float, float] = (BETA1, BETA2)) -> None:
        """The coefficients are those by which the means forget."""
        super().__init__(weights, lr)
        self.beta1, self.beta2 = betas

    def init_state(self, weight: Tensor) -> dict[str, Tensor]:
        """Means of the gradients and of their squares, and how many steps were taken."""
        return {
            "step": torch.zeros((), device=weight.device),
            "exp_avg": torch.zeros_like(weight),
            "exp_avg_sq": torch.zeros_like(weight),
        }

    @torch.no_grad()
    def step(self) -> None:
        """Move each weight."""
        means, squares, steps = (self.gather_state(name) for name in ("exp_avg", "exp_avg_sq", "step"))
        adam(
            self.weights, self.gradients(), means, squares, [], steps, fused=True, lr=self.lr,
            beta1=self.beta1, beta2=self.beta2, eps=EPSILON, weight_decay=0.0, amsgrad=False, maximize=False,
        )  # fmt: skip
