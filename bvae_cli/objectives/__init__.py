"""What training minimises. To add one: a file here, and a line in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bvae_cli.objectives.beta import Beta
from bvae_cli.objectives.capacity import Capacity
from bvae_cli.objectives.vae import Vae

if TYPE_CHECKING:
    from torch import Tensor

    from bvae_cli.models.vae import ForwardPass
    from bvae_cli.objectives.schedule import Knobs


class Objective(Protocol):
    """A frozen dataclass: its fields are its knobs, calling it gives the loss."""

    def __call__(self, out: ForwardPass, knobs: Knobs) -> Tensor:
        """The loss of a batch with the knobs as they are at a step: a scalar, nats an image."""


OBJECTIVES: dict[str, type[Objective]] = {
    "vae": Vae,
    "beta": Beta,
    "capacity": Capacity,
}
