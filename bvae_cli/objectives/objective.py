"""What an objective is, and what it is told of a step of training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bvae_cli.models.vae import VAE, ForwardPass


@dataclass(frozen=True)
class StepContext:
    """A step of training, as an objective sees it."""

    hyperparameters: Mapping[str, float | Tensor]  # as they are at this step; scalars on the device where training runs
    num_images: int  # that the data set has, of which a batch is drawn
    auxiliary_nets: Sequence[nn.Module] = ()  # of the objective's rivals, in their order
    num_factors: int = 1  # of the data that vary
    active_factor: int | Tensor = (
        0  # the one of them, from 0, that varies in this batch, where the objective wants it alone
    )
    pixel_noise: (
        Sequence[Tensor] | Tensor
    ) = ()  # standard normal, (batch, channels, 64, 64), as many as the objective takes

    def __getitem__(self, name: str) -> float | Tensor:
        """The value of a knob."""
        return self.hyperparameters[name]


@dataclass(frozen=True)
class AuxiliaryNet:
    """A net that is trained beside the model, each by its own loss alone: no gradient of one moves the other."""

    net: nn.Module
    loss: Callable[[nn.Module, ForwardPass], Tensor]  # of the net, a scalar
    lr_name: str  # the knob that is its learning rate
    betas: tuple[float, float]  # of its Adam


class Objective(ABC):
    """A frozen dataclass: its fields are its knobs, calling it gives the loss."""

    min_batch_size: ClassVar[int] = 1  # images, with fewer of which there is no loss
    adam_betas: ClassVar[tuple[float, float]] = (0.9, 0.999)  # of the model's Adam
    init_gain: ClassVar[float] = 1.0  # by which torch's first weights of the model are multiplied, but for biases
    pixel_noise_samples: ClassVar[int] = 0  # how often it takes noise for each pixel in a step
    single_factor_batches: ClassVar[bool] = False  # whether each batch is to vary in one factor of the data alone

    def forward(self, vae: VAE, images: Tensor, noise: Tensor, step: StepContext) -> ForwardPass:
        """What the loss is taken of; images are (batch, channels, 64, 64), noise is (batch, latent_dim)."""
        return vae(images, noise)  # type: ignore[no-any-return]

    @abstractmethod
    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """The loss of a batch at a step: a scalar, nats an image."""

    def auxiliary_nets(self, latent_dim: int, channels: int) -> Sequence[AuxiliaryNet]:
        """What is to be trained beside a model of so many latents and channels, new."""
        return ()
