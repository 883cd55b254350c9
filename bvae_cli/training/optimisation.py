"""The updates of a model, a step at a time."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bvae_cli.datasets import one_factor
from bvae_cli.datasets.spec import SIDE, DataSpec
from bvae_cli.datasets.unpacking import unpack
from bvae_cli.models.vae import VAE, ForwardPass
from bvae_cli.objectives.objective import Objective, Rival, Step
from bvae_cli.objectives.schedule import at, values_at
from bvae_cli.params import Params
from bvae_cli.system.device import arithmetic, repeated, seeded
from bvae_cli.system.ranks import ALONE, Ranks
from bvae_cli.training.adagrad import Adagrad
from bvae_cli.training.adam import Adam
from bvae_cli.training.muon import Muon
from bvae_cli.training.optimizer import Optimizer


class Whole(nn.Module):
    """A model and its rivals, of which a batch makes the loss of each."""

    def __init__(self, objective: Objective, vae: VAE, rivals: Sequence[Rival]) -> None:
        super().__init__()
        self.objective, self.losses = objective, [rival.loss for rival in rivals]
        self.vae, self.rivals = vae, nn.ModuleList(rival.net for rival in rivals)

    def forward(self, images: Tensor, noise: Tensor, told: Step) -> tuple[list[Tensor], ForwardPass]:
        """The loss of the model, then those of its rivals, each a scalar; and what they are of.

        Images are (batch, channels, 64, 64) in [0, 1], noise is (batch, latent_dim).
        """
        out = self.objective.forward(self.vae, images, noise, told)
        return self.of(out, told), out

    def of(self, out: ForwardPass, told: Step) -> list[Tensor]:
        """The loss of the model, then those of its rivals, of what a batch came to."""
        return [
            self.objective(out, told),
            *(loss(net, out) for loss, net in zip(self.losses, self.rivals, strict=True)),
        ]


def forward_of(objective: Objective, vae: VAE, ranks: Ranks) -> Callable[[Tensor, Tensor, Step], ForwardPass]:
    """The forward pass of a batch, or of a part of it in each process."""
    if ranks.size == 1:
        return partial(objective.forward, vae)
    from bvae_cli.training.divided import Divided

    return Divided(objective, vae, ranks)


class Optimisation:
    """A model and all that changes with it from step to step.

    What a step takes lies in tensors that keep their place, so that a GPU need be told only once what a step is.
    """

    def __init__(
        self, vae: VAE, data: DataSpec, params: Params, device: torch.device, done: int = 0, ranks: Ranks = ALONE
    ) -> None:
        """Begin at a new model's weights, with the noise and the rivals of the seed, after so many steps."""
        self.vae, self.data, self.params, self.device = vae, data, params, device
        with seeded(params.train.seed):
            self.rivals = params.objective.rivals(vae.latent_dim, data.channels)
        self.nets = [vae, *(rival.net.to(device) for rival in self.rivals)]
        self.whole, self.ranks = Whole(params.objective, vae, self.rivals), ranks
        self.passed = forward_of(params.objective, vae, ranks)
        self.rate = torch.zeros((), device=device)
        self.knobs = {name: torch.zeros((), device=device) for name in values_at(params.objective, 0)}
        self.factor = torch.zeros((), dtype=torch.long, device=device)
        factors = len(one_factor.varying(data)) if params.objective.one_factor else 1
        size = params.train.batch_size
        self.grains = torch.zeros(params.objective.grains, size, data.channels, SIDE, SIDE, device=device)
        self.told = Step(self.knobs, data.count, self.nets[1:], factors, self.factor, self.grains)
        self.optimizers = self.chosen(params.train.moment(done - 1))
        self.random = torch.Generator(device).manual_seed(params.train.seed)
        self.noise = torch.zeros(size, vae.latent_dim, device=device)
        self.packed: Tensor | None = None  # (batch, bytes)
        self.filled: dict[str, float] = {}  # what the scalars hold, which are told to a GPU but when they change
        self.sums = torch.zeros(3 + vae.latent_dim, device=device)
        self.update = self.recorded()

    def recorded(self) -> Callable[[], None]:
        """What a step computes, which a GPU is told but once, unless processes have to meet in it."""
        return repeated(self.compute, self.device) if self.ranks.size == 1 else self.compute

    def chosen(self, step: int) -> list[Optimizer]:
        """What moves the weights at a step of the experiment, counted from 0."""
        rivals = [Adam(rival.net.parameters(), self.knobs[rival.rate], rival.betas) for rival in self.rivals]
        return [*self.chosen_for_model(step), *rivals]

    def chosen_for_model(self, step: int) -> list[Optimizer]:
        """What moves the model's weights at a step of the experiment: Muon those with rows, Adam what is left."""
        train, weights, betas = self.params.train, list(self.vae.parameters()), self.params.objective.betas
        name = train.optimizer if step >= train.adam_steps else "adam"
        if name == "adagrad":
            return [Adagrad(weights, self.rate)]
        if name == "adam":
            return [Adam(weights, self.rate, betas)]
        rows, left = ([weight for weight in weights if (weight.ndim > 1) is wanted] for wanted in (True, False))
        return [Adam(left, self.rate, betas), Muon(rows, self.rate)]

    def step(self, packed: Tensor, number: int) -> None:
        """One update with (batch, bytes) packed images, at a step counted from 0."""
        if self.fill(packed, number):
            self.update = self.recorded()
        self.update()

    def fill(self, packed: Tensor, number: int) -> bool:
        """Lay out what a step takes; returns whether what moves the weights is another one from now on."""
        packed = self.ranks.own(packed)
        if self.packed is None:
            self.packed = torch.empty_like(packed, device=self.device)
        self.packed.copy_(packed, non_blocking=True)
        self.noise.normal_(generator=self.random)
        self.grains.normal_(generator=self.random)
        train, moment = self.params.train, self.params.train.moment(number)
        values = {"learning_rate": at(train.learning_rate, moment), **values_at(self.params.objective, moment)}
        for name, value in values.items() - self.filled.items():
            self.knobs.get(name, self.rate).fill_(value)
        self.filled = values
        if self.params.objective.one_factor:
            self.factor.fill_(one_factor.varied(self.data, train.seed, number))
        if another := train.moment(number - 1) < train.adam_steps <= moment:
            self.take_over(moment)
        return another

    def take_over(self, moment: int) -> None:
        """Begin with what moves the weights from now on; Adam keeps the moments of those that it goes on with."""
        before = self.moments()
        self.optimizers = self.chosen(moment)
        for optimizer, weight, moments in self.each(before):
            if moments.keys() == optimizer.state[weight].keys():
                optimizer.state[weight] = moments

    def compute(self) -> None:
        """What is the same in every step."""
        assert self.packed is not None
        with arithmetic(self.device, self.params.train.precision):
            out = self.passed(unpack(self.packed, self.data), self.noise, self.told)
            losses = self.whole.of(out, self.told)
        for net, loss in zip(self.nets, losses, strict=True):
            net.zero_grad()
            torch.autograd.backward(loss, inputs=list(net.parameters()))
        for optimizer in self.optimizers:
            optimizer.step()
        self.sums += totals(losses[0], out)

    def means(self) -> list[float]:
        """Loss, reconstruction and the KL of each latent, nats an image: means over the steps since `forget`."""
        steps, *sums = self.sums.tolist()
        return [value / steps for value in sums]

    def forget(self) -> None:
        """Begin the means anew."""
        self.sums.zero_()

    def state(self) -> dict[str, Any]:
        """All but the model's weights that the next steps depend on, in plain containers."""
        moments = [{name: value.cpu() for name, value in one.items()} for one in self.moments()]
        rivals = [{name: value.cpu() for name, value in net.state_dict().items()} for net in self.nets[1:]]
        return {"moments": moments, "rivals": rivals, "random": self.random.get_state(), "sums": self.sums.cpu()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state; raises ValueError, or what torch does, where it is not that of this model and device."""
        for optimizer, weight, moments in self.each(state["moments"]):
            fits = all(value.shape in (weight.shape, ()) for value in moments.values())
            if moments.keys() != optimizer.state[weight].keys() or not fits:
                raise ValueError("its moments are not those of its model")
            optimizer.state[weight] = {name: value.to(self.device) for name, value in moments.items()}
        for net, weights in zip(self.nets[1:], state["rivals"], strict=True):
            net.load_state_dict(weights)
        self.random.set_state(state["random"])
        self.sums.copy_(state["sums"])

    def moments(self) -> list[dict[str, Tensor]]:
        """What is remembered of each weight, in the order of the nets'."""
        remembered = {weight: moments for optimizer in self.optimizers for weight, moments in optimizer.state.items()}
        return [remembered[weight] for weight in self.weights()]

    def each(self, moments: list[dict[str, Tensor]]) -> list[tuple[Optimizer, Tensor, dict[str, Tensor]]]:
        """Each weight with what moves it and what is remembered of it."""
        movers = {weight: mover for mover in self.optimizers for weight in mover.weights}
        together = zip(self.weights(), moments, strict=True)
        return [(movers[weight], weight, remembered) for weight, remembered in together]

    def weights(self) -> list[Tensor]:
        """Those of all nets, the model's first."""
        return [weight for net in self.nets for weight in net.parameters()]


@torch.no_grad()
def totals(loss: Tensor, out: ForwardPass) -> Tensor:
    """(3 + latent_dim,): one step, its loss, reconstruction and the KL of each latent, left on the device."""
    return torch.cat([loss.new_ones(1), loss[None], out.reconstruction.mean()[None], out.kl.mean(dim=0)])
