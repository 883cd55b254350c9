"""The updates of a model, a step at a time."""

from typing import Any

import torch
from torch import Tensor

from bvae_cli.datasets.images import unpack
from bvae_cli.models.vae import VAE, ForwardPass
from bvae_cli.params import Params, Train
from bvae_cli.system.device import arithmetic, repeated


class Optimisation:
    """A model and all that changes with it from step to step.

    What a step takes lies in tensors that keep their place, so that a GPU need be told only once what a step is.
    """

    def __init__(self, vae: VAE, channels: int, params: Params, device: torch.device) -> None:
        """Begin at the model's weights, with the noise of the seed."""
        self.vae, self.channels, self.params, self.device = vae, channels, params, device
        rate = torch.zeros((), device=device)
        self.adam = torch.optim.Adam(vae.parameters(), lr=rate, fused=True, capturable=device.type == "cuda")
        self.random = torch.Generator(device).manual_seed(params.train.seed)
        self.noise = torch.zeros(params.train.batch_size, vae.latent_dim, device=device)
        self.knobs = {name: torch.zeros((), device=device) for name in params.objective.scheduled(0)}
        self.packed: Tensor | None = None  # (batch, bytes)
        self.sums = torch.zeros(3 + vae.latent_dim, device=device)
        self.update = repeated(self.compute, device)

    def step(self, packed: Tensor, number: int) -> None:
        """One update with (batch, bytes) packed images, at a step counted from 0."""
        if self.packed is None:
            self.packed = torch.empty_like(packed, device=self.device)
        self.packed.copy_(packed, non_blocking=True)
        self.noise.normal_(generator=self.random)
        self.adam.param_groups[0]["lr"].fill_(learning_rate(self.params.train, number))
        for name, value in self.params.objective.scheduled(number).items():
            self.knobs[name].fill_(value)
        self.update()

    def compute(self) -> None:
        """What is the same in every step."""
        assert self.packed is not None
        with arithmetic(self.device, self.params.train.precision):
            out = self.vae(unpack(self.packed, self.channels), self.noise)
            loss = self.params.objective(out, self.knobs)
        self.adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.adam.step()
        self.sums += totals(loss, out)

    def means(self) -> list[float]:
        """Loss, reconstruction and the KL of each latent, nats an image: means over the steps since `forget`."""
        steps, *sums = self.sums.tolist()
        return [value / steps for value in sums]

    def forget(self) -> None:
        """Begin the means anew."""
        self.sums.zero_()

    def state(self) -> dict[str, Any]:
        """All but the weights that the next steps depend on, in plain containers."""
        moments = [
            {name: value.cpu() for name, value in self.adam.state[weight].items()} for weight in self.vae.parameters()
        ]
        return {"moments": moments, "random": self.random.get_state(), "sums": self.sums.cpu()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state; raises ValueError, or what torch does, where it is not that of this model and device."""
        weights = list(self.vae.parameters())
        for weight, moments in zip(weights, state["moments"], strict=True):
            if not all(moments[name].shape == weight.shape for name in ("exp_avg", "exp_avg_sq")):
                raise ValueError("its moments are not those of its model")
        groups = self.adam.state_dict()["param_groups"]
        self.adam.load_state_dict({"state": dict(enumerate(state["moments"])), "param_groups": groups})
        self.random.set_state(state["random"])
        self.sums.copy_(state["sums"])


def learning_rate(train: Train, step: int) -> float:
    """The rate at a step counted from 0: rising from zero, held, falling to zero."""
    rising = (step + 1) / max(train.warmup_steps, 1)
    falling = (train.steps - step) / max(train.decay_steps, 1)
    return train.learning_rate * min(1.0, rising, falling)


@torch.no_grad()
def totals(loss: Tensor, out: ForwardPass) -> Tensor:
    """(3 + latent_dim,): one step, its loss, reconstruction and the KL of each latent, left on the device."""
    return torch.cat([loss.new_ones(1), loss[None], out.reconstruction.mean()[None], out.kl.mean(dim=0)])
