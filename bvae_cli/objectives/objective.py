"""What an objective is, and what it is told of a step of training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bvae_cli.models.vae import ForwardPass


@dataclass(frozen=True)
class Step:
    """A step of training, as an objective sees it."""

    knobs: Mapping[str, float | Tensor]  # as they are at this step; scalars on the device where training runs
    images: int  # that the data set has, of which a batch is drawn
    nets: Sequence[nn.Module] = ()  # of the objective's rivals, in their order

    def __getitem__(self, name: str) -> float | Tensor:
        """The value of a knob."""
        return self.knobs[name]


@dataclass(frozen=True)
class Rival:
    """A net that is trained beside the model, each by its own loss alone: no gradient of one moves the other."""

    net: nn.Module
    loss: Callable[[nn.Module, ForwardPass], Tensor]  # of the net, a scalar
    rate: str  # the knob that is its learning rate
    betas: tuple[float, float]  # of its Adam


class Objective(ABC):
    """A frozen dataclass: its fields are its knobs, calling it gives the loss."""

    least_batch: ClassVar[int] = 1  # images, with fewer of which there is no loss

    @abstractmethod
    def __call__(self, out: ForwardPass, step: Step) -> Tensor:
        """The loss of a batch at a step: a scalar, nats an image."""

    def rivals(self, latent_dim: int) -> Sequence[Rival]:
        """What is to be trained beside a model of so many latents, new."""
        return ()
