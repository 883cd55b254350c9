"""What moves weights."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

from torch import Tensor


class Optimizer(ABC):
    """Moves weights against their gradients, and remembers moments of each.

    It is none of torch's optimisers: the first of those in a process loads torch's compiler, two seconds of each start.
    """

    def __init__(self, weights: Iterable[Tensor], lr: Tensor) -> None:
        """Of weights, and a scalar rate on their device."""
        self.weights, self.lr = list(weights), lr
        self.state = {weight: self.init_state(weight) for weight in self.weights}

    @abstractmethod
    def init_state(self, weight: Tensor) -> dict[str, Tensor]:
        """What is remembered of a weight before the first step."""

    @abstractmethod
    def step(self) -> None:
        """Move each weight."""

    def gradients(self) -> list[Tensor]:
        """Those of the weights, which all have one, contiguous as the weights are."""
        return [weight.grad.contiguous() for weight in self.weights if weight.grad is not None]

    def gather_state(self, name: str) -> list[Tensor]:
        """A moment of each weight."""
        return [self.state[weight][name] for weight in self.weights]
