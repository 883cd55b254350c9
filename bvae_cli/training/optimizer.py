"""The interface of optimizers."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

from torch import Tensor


class Optimizer(ABC):
    """An update rule for weights, with state per weight.

    It does not use `torch.optim`: the first of its optimizers in a process imports the compiler, which takes 2 seconds.
    """

    def __init__(self, weights: Iterable[Tensor], lr: Tensor) -> None:
        """Update `weights` with the learning rate in a scalar tensor on their device."""
        self.weights, self.lr = list(weights), lr
        self.state = {weight: self.init_state(weight) for weight in self.weights}

    @abstractmethod
    def init_state(self, weight: Tensor) -> dict[str, Tensor]:
        """Return the state of a weight before the first step."""

    @abstractmethod
    def step(self) -> None:
        """Update all weights by their gradients."""

    def gradients(self) -> list[Tensor]:
        """Return the gradients of all weights, contiguous as the weights are."""
        return [weight.grad.contiguous() for weight in self.weights if weight.grad is not None]

    def gather_state(self, name: str) -> list[Tensor]:
        """Return one entry of the state of all weights."""
        return [self.state[weight][name] for weight in self.weights]
