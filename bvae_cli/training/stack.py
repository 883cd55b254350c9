"""Many models in one step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor
from torch.func import functional_call

from bvae_cli.datasets.unpacking import unpack
from bvae_cli.objectives.objective import Step
from bvae_cli.params import Params
from bvae_cli.system.device import arithmetic, repeated
from bvae_cli.training.optimisation import Optimisation, totals


def kind(params: Params) -> str:
    """What models have to have in common to be stacked: all but seed, knobs, steps, and what moves their weights."""
    train = params.train
    shape = (train.batch_size, train.precision, train.stream)
    words = [value for value in vars(params.objective).values() if isinstance(value, str)]
    return repr((params.dataset.name, params.model, type(params.objective).__name__, words, shape))


class Stack:
    """Optimisations of one kind, whose losses and gradients are computed together.

    Weights of one name are laid upon each other, and `vmap` makes of a batch of each model one grouped convolution and
    one batched product. What comes before and after, noise, knobs, moments and sums, each model has for itself.
    """

    def __init__(self, members: Sequence[Optimisation]) -> None:
        """Of models of one kind, on one device."""
        self.members, self.first = list(members), members[0]
        self.update = repeated(self.compute, self.first.device)

    def step(self, packed: Iterable[Tensor], numbers: Iterable[int]) -> None:
        """One update of each model, with (batch, bytes) packed images, at a step of its own."""
        each = zip(self.members, packed, numbers, strict=True)
        others = [member.fill(images, number) for member, images, number in each]
        if any(others):
            self.update = repeated(self.compute, self.first.device)
        self.update()

    def compute(self) -> None:
        """What is the same in every step."""
        with arithmetic(self.first.device, self.first.params.train.precision):
            losses, sums = torch.vmap(self.one)(self.weights(), *self.inputs())
        for number, loss in enumerate(losses):
            leaves = [weight for member in self.members for weight in member.nets[number].parameters()]
            for weight in leaves:
                weight.grad = None
            torch.autograd.backward(loss.sum(), inputs=leaves, retain_graph=number + 1 < len(losses))
        for member, total in zip(self.members, sums.detach(), strict=True):
            for optimizer in member.optimizers:
                optimizer.step()
            member.sums += total

    def weights(self) -> dict[str, Tensor]:
        """Those of all models by name, each (models, …): gradients go through them to the weights of each."""
        each = [dict(member.whole.named_parameters()) for member in self.members]
        return {name: torch.stack([weights[name] for weights in each]) for name in each[0]}

    def inputs(self) -> tuple[Tensor, Tensor, dict[str, Tensor], Tensor, Tensor]:
        """Images, noise, knobs, factor and grains of all models, each (models, …)."""
        packed = self.together(lambda member: member.packed)  # (models, batch, bytes)
        images = unpack(packed.flatten(0, 1), self.first.data)
        images = images.view(*packed.shape[:2], *images.shape[1:])  # (models, batch, channels, 64, 64)
        knobs = {name: torch.stack([member.knobs[name] for member in self.members]) for name in self.first.knobs}
        noise, factor = self.together(lambda member: member.noise), self.together(lambda member: member.factor)
        return images, noise, knobs, factor, self.together(lambda member: member.grains)

    def one(
        self,
        weights: dict[str, Tensor],
        images: Tensor,
        noise: Tensor,
        knobs: dict[str, Tensor],
        factor: Tensor,
        grains: Tensor,
    ) -> tuple[list[Tensor], Tensor]:
        """The losses of a model and its rivals, and what is summed up of a step, as if it were alone."""
        told = self.first.told
        own = Step(knobs, told.images, told.nets, told.factors, factor, grains)
        losses, out = functional_call(self.first.whole, weights, (images, noise, own))
        return losses, totals(losses[0], out)

    def together(self, part: Callable[[Optimisation], Tensor | None]) -> Tensor:
        """(models, …): a part of each model."""
        return torch.stack([value for member in self.members if (value := part(member)) is not None])
