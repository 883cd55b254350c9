"""The base class of objectives, and the context of a training step that they receive."""

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
    """The context of one training step."""

    hyperparameters: Mapping[str, float | Tensor]  # at this step; scalar tensors on the training device, or floats
    num_images: int  # size of the data set
    auxiliary_nets: Sequence[nn.Module] = ()  # in the order of `Objective.auxiliary_nets`
    num_factors: int = 1  # that vary in the data
    active_factor: int | Tensor = 0  # index of the factor that varies in the batch, or (pairs,) in each pair
    pixel_noise: Sequence[Tensor] | Tensor = ()  # `pixel_noise_samples` × (batch, channels, 64, 64), standard normal

    def __getitem__(self, name: str) -> float | Tensor:
        """Return the value of a hyperparameter at this step."""
        return self.hyperparameters[name]


@dataclass(frozen=True)
class AuxiliaryNet:
    """An auxiliary network with its own loss and optimiser, such as a discriminator.

    The gradients of its loss do not reach the model, nor those of the model's loss the network.
    """

    net: nn.Module
    loss: Callable[[nn.Module, ForwardPass], Tensor]  # maps the network and a forward pass to a scalar
    lr_name: str  # hyperparameter that is its learning rate
    betas: tuple[float, float]  # coefficients of its Adam


class Objective(ABC):
    """A training objective: a frozen dataclass whose fields are hyperparameters and whose call computes the loss."""

    min_batch_size: ClassVar[int] = 1  # images; the loss is undefined for fewer
    adam_betas: ClassVar[tuple[float, float]] = (0.9, 0.999)  # coefficients of the model's Adam
    init_gain: ClassVar[float] = 1.0  # factor on PyTorch's default initial weights, except biases
    pixel_noise_samples: ClassVar[int] = 0  # noise tensors of an image batch's shape per step
    single_factor_batches: ClassVar[bool] = False  # whether only one factor varies within a batch

    def forward(self, vae: VAE, images: Tensor, noise: Tensor, step: StepContext) -> ForwardPass:
        """Return the forward pass of (batch, channels, 64, 64) images and (batch, latent_dim) standard normal noise."""
        return vae(images, noise)  # type: ignore[no-any-return]

    @abstractmethod
    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """Return the loss of a batch, a scalar, nats per image."""

    def auxiliary_nets(self, latent_dim: int, channels: int) -> Sequence[AuxiliaryNet]:
        """Return newly initialised auxiliary networks for a model of `latent_dim` latents and `channels` channels."""
        return ()
