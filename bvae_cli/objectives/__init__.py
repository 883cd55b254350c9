"""What training minimises. To add one: a file here, and a line in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bvae_cli.objectives.beta import Beta
from bvae_cli.objectives.capacity import Capacity
from bvae_cli.objectives.vae import Vae

if TYPE_CHECKING:
    from torch import Tensor

    from bvae_cli.models.vae import ForwardPass


class Objective(Protocol):
    """A frozen dataclass: its fields are the knobs, calling it gives the loss."""

    def __call__(self, out: ForwardPass, step: int) -> Tensor:
        """The loss of a batch at a step counted from 0: a scalar, nats an image."""

    def scheduled(self, step: int) -> dict[str, float]:
        """The knobs that the objective turns at this step."""


OBJECTIVES: dict[str, type[Objective]] = {
    "vae": Vae,
    "beta": Beta,
    "capacity": Capacity,
}
