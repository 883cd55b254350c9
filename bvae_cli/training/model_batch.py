"""Model batching: one step of many models, computed jointly by `torch.vmap`."""

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
    """Return what models must share to be batched: all but seed, hyperparameters, steps and optimizer."""
    train = params.train
    shape = (train.batch_size, train.precision, train.stream)
    words = [value for value in vars(params.objective).values() if isinstance(value, str)]
    return repr((params.dataset.name, params.model, type(params.objective).__name__, words, shape))


class ModelBatch:
    """Trainers with one `batching_key`, whose losses and gradients are computed jointly.

    Weights of one name are stacked. `vmap` turns the convolutions of all models into one grouped convolution, and their
    matrix products into one batched product. Noise, hyperparameters, optimizers and averages are per model.
    """

    def __init__(self, members: Sequence[Trainer]) -> None:
        """Batch trainers with one `batching_key` on one device."""
        self.members, self.first = list(members), members[0]
        self.runner = StepRunner(self.first.device)

    def step(self, packed: Iterable[Tensor], numbers: Iterable[int]) -> None:
        """Update each model by its (batch, bytes) packed images at its own step."""
        inputs = zip(self.members, packed, numbers, strict=True)
        has_new_optimizer = [member.load_batch(images, number) for member, images, number in inputs]
        if any(has_new_optimizer):
            self.runner.reset()
        self.runner(self.compute_step)

    def compute_step(self) -> None:
        """Compute the losses and gradients of the loaded batches and update all weights."""
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
        """Return the stacked weights by name, each (models, …); gradients flow through them to each model."""
        weights = [dict(member.loss_module.named_parameters()) for member in self.members]
        return {name: torch.stack([member_weights[name] for member_weights in weights]) for name in weights[0]}

    def inputs(self) -> tuple[Tensor, Tensor, dict[str, Tensor], Tensor, Tensor]:
        """Return images, noise, hyperparameters, active factor and pixel noise, each (models, …)."""
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
        """Return the losses of one model and of its auxiliary networks, and the step's totals."""
        context = self.first.context
        member_context = StepContext(
            hyperparameters, context.num_images, context.auxiliary_nets, context.num_factors, factor, pixel_noise
        )
        losses, out = functional_call(self.first.loss_module, weights, (images, noise, member_context))
        return losses, step_totals(losses[0], out)

    def stack_members(self, attribute: Callable[[Trainer], Tensor | None]) -> Tensor:
        """Return an attribute of all trainers, stacked: (models, …)."""
        return torch.stack([value for member in self.members if (value := attribute(member)) is not None])
