"""Adam (Kingma & Ba 2015, algorithm 1)."""

from collections.abc import Iterable

import torch
from torch import Tensor

from bvae_cli.training.optimizer import Optimizer

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
CHUNK_SIZE = 8192  # weights per thread block on a GPU; PyTorch's 65,536 leave most of its multiprocessors idle


class Adam(Optimizer):
    """PyTorch's fused Adam."""

    def __init__(self, weights: Iterable[Tensor], lr: Tensor, betas: tuple[float, float] = (BETA1, BETA2)) -> None:
        """Decay the averages of the gradients and of their squares by `betas`."""
        super().__init__(weights, lr)
        self.beta1, self.beta2 = betas

    def init_state(self, weight: Tensor) -> dict[str, Tensor]:
        """Return the averages of the gradients and of their squares, and the number of steps."""
        return {
            "step": torch.zeros((), device=weight.device),
            "exp_avg": torch.zeros_like(weight),
            "exp_avg_sq": torch.zeros_like(weight),
        }

    @torch.no_grad()
    def step(self) -> None:
        """Update all weights by their gradients."""
        moments = [self.gather_state(name) for name in ("exp_avg", "exp_avg_sq")]
        lists, steps = [self.weights, self.gradients(), *moments], self.gather_state("step")
        torch._foreach_add_(steps, 1)
        if self.lr.is_cuda:
            steps = [
                step for step, weight in zip(steps, self.weights, strict=True) for _ in split_into_chunks([weight])
            ]
            lists = [split_into_chunks(tensors) for tensors in lists]
        torch._fused_adam_(
            *lists, [], steps, lr=self.lr,  # type: ignore[call-overload]  # mypy does not know the length of `lists`
            beta1=self.beta1, beta2=self.beta2, eps=EPSILON, weight_decay=0.0, amsgrad=False, maximize=False,
        )  # fmt: skip


def split_into_chunks(tensors: list[Tensor]) -> list[Tensor]:
    """Return views of contiguous tensors with at most CHUNK_SIZE elements each."""
    return [chunk for tensor in tensors for chunk in torch.split(tensor.view(-1), CHUNK_SIZE)]
