"""Many models in one step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor
from torch.func import functional_call

from bvae_cli.images.unpacking import unpack_images
from bvae_cli.objectives.objective import StepContext
from bvae_cli.params import Params
from bvae_cli.system.device import StepRunner, autocast, reproducible
from bvae_cli.training.trainer import Trainer, step_totals


def batching_key(params: Params) -> str:
    """What models have to have in common to be stacked: all but seed, knobs, steps, and what moves their weights."""
    train = params.train
    shape = (train.batch_size, train.precision, train.stream)
    words = [value for value in vars(params.objective).values() if isinstance(value, str)]
    return repr((params.dataset.name, params.model, type(params.objective).__name__, words, shape))


class ModelBatch:
    """Optimisations of one kind, whose losses and gradients are computed together.

    Weights of one name are laid upon each other, and `vmap` makes of a batch of each model one grouped convolution and
    one batched product. What comes before and after, noise, knobs, moments and sums, each model has for itself.
    """

    def __init__(self, members: Sequence[Trainer]) -> None:
        """Of models of one kind, on one device."""
        self.members, self.first = list(members), members[0]
        self.runner = StepRunner(self.first.device)

    def step(self, packed: Iterable[Tensor], numbers: Iterable[int]) -> None:
        """One update of each model, with (batch, bytes) packed images, at a step of its own."""
        each = zip(self.members, packed, numbers, strict=True)
        others = [member.load_batch(images, number) for member, images, number in each]
        if any(others):
            self.runner.reset()
        self.runner(self.compute)

    def compute(self) -> None:
        """What is the same in every step."""
        with autocast(self.first.device, self.first.params.train.precision):
            losses, sums = torch.vmap(self.compute_one)(self.weights(), *self.inputs())
        with reproducible(self.first.device, self.first.params.train.precision):
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
        each = [dict(member.loss_module.named_parameters()) for member in self.members]
        return {name: torch.stack([weights[name] for weights in each]) for name in each[0]}

    def inputs(self) -> tuple[Tensor, Tensor, dict[str, Tensor], Tensor, Tensor]:
        """Images, noise, knobs, factor and grains of all models, each (models, …)."""
        packed = self.stack_members(lambda member: member.packed)  # (models, batch, bytes)
        images = unpack_images(packed.flatten(0, 1), self.first.data)
        images = images.view(*packed.shape[:2], *images.shape[1:])  # (models, batch, channels, 64, 64)
        hyperparameters = {
            name: torch.stack([member.hyperparameters[name] for member in self.members])
            for name in self.first.hyperparameters
        }
        noise, factor = (
            self.stack_members(lambda member: member.noise),
            self.stack_members(lambda member: member.active_factor),
        )
        return images, noise, hyperparameters, factor, self.stack_members(lambda member: member.pixel_noise)

    def compute_one(
        self,
        weights: dict[str, Tensor],
        images: Tensor,
        noise: Tensor,
        hyperparameters: dict[str, Tensor],
        factor: Tensor,
        pixel_noise: Tensor,
    ) -> tuple[list[Tensor], Tensor]:
        """The losses of a model and its rivals, and what is summed up of a step, as if it were alone."""
        context = self.first.context
        own = StepContext(
            hyperparameters, context.num_images, context.auxiliary_nets, context.num_factors, factor, pixel_noise
        )
        losses, out = functional_call(self.first.loss_module, weights, (images, noise, own))
        return losses, step_totals(losses[0], out)

    def stack_members(self, part: Callable[[Trainer], Tensor | None]) -> Tensor:
        """(models, …): a part of each model."""
        return torch.stack([value for member in self.members if (value := part(member)) is not None])
