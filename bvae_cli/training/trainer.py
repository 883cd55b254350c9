"""The training step: loss, gradients and optimizer update of a model and its auxiliary networks."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bvae_cli.images import pairs, single_factor
from bvae_cli.images.spec import SIDE, DataSpec
from bvae_cli.images.unpacking import unpack_images
from bvae_cli.models.vae import VAE, ForwardPass
from bvae_cli.objectives.objective import AuxiliaryNet, Objective, StepContext
from bvae_cli.objectives.pair_vae import PairVAE
from bvae_cli.objectives.schedule import value_at, values_at
from bvae_cli.params import Params
from bvae_cli.system.device import StepRunner, autocast, reproducible, seeded_rng
from bvae_cli.system.ranks import SINGLE_PROCESS, Ranks
from bvae_cli.training.adagrad import Adagrad
from bvae_cli.training.adam import Adam
from bvae_cli.training.muon import Muon
from bvae_cli.training.optimizer import Optimizer
from bvae_cli.training.sharded import ShardedVAE, is_sharded


class LossModule(nn.Module):
    """A model and its auxiliary networks as one module, which computes the loss of each."""

    def __init__(self, objective: Objective, vae: VAE, auxiliary_nets: Sequence[AuxiliaryNet]) -> None:
        super().__init__()
        self.objective, self.losses = objective, [auxiliary.loss for auxiliary in auxiliary_nets]
        self.vae, self.auxiliary_nets = vae, nn.ModuleList(auxiliary.net for auxiliary in auxiliary_nets)

    def forward(self, images: Tensor, noise: Tensor, context: StepContext) -> tuple[list[Tensor], ForwardPass]:
        """Return the losses of the model and of its auxiliary networks, each a scalar, and the forward pass.

        Images are (batch, channels, 64, 64) in [0, 1], noise is (batch, latent_dim).
        """
        out = self.objective.forward(self.vae, images, noise, context)
        return self.compute_losses(out, context), out

    def compute_losses(self, out: ForwardPass, context: StepContext) -> list[Tensor]:
        """Return the losses of the model and of its auxiliary networks, each a scalar, from a forward pass."""
        return [
            self.objective(out, context),
            *(loss(net, out) for loss, net in zip(self.losses, self.auxiliary_nets, strict=True)),
        ]


def make_forward(
    params: Params, vae: VAE, device: torch.device, ranks: Ranks
) -> Callable[[Tensor, Tensor, StepContext], ForwardPass]:
    """Return the forward pass of a batch, divided over processes if there are several, or over threads on a CPU."""
    if ranks.size > 1:
        from bvae_cli.training.distributed import DistributedForward

        return DistributedForward(params.objective, vae, ranks)
    model = ShardedVAE(vae, params.train.shards) if is_sharded(params, device, ranks) else vae
    return partial(params.objective.forward, model)


class Trainer:
    """A model with its auxiliary networks, optimizers, noise and running averages.

    The inputs of a step are in tensors with fixed addresses, so that a GPU can replay a captured step.
    """

    def __init__(
        self,
        vae: VAE,
        data: DataSpec,
        params: Params,
        device: torch.device,
        completed_steps: int = 0,
        ranks: Ranks = SINGLE_PROCESS,
    ) -> None:
        """Start with new auxiliary networks and noise from the seed, after a number of completed steps."""
        self.vae, self.data, self.params, self.device = vae, data, params, device
        with seeded_rng(params.train.seed):
            self.auxiliary_nets = params.objective.auxiliary_nets(vae.latent_dim, data.channels)
        self.nets = [vae, *(auxiliary.net.to(device) for auxiliary in self.auxiliary_nets)]
        self.loss_module, self.ranks = LossModule(params.objective, vae, self.auxiliary_nets), ranks
        self.forward = make_forward(params, vae, device, ranks)
        self.lr = torch.zeros((), device=device)
        self.hyperparameters = {name: torch.zeros((), device=device) for name in values_at(params.objective, 0)}
        shape = (params.train.batch_size // 2,) if isinstance(params.objective, PairVAE) else ()
        self.active_factor = torch.zeros(shape, dtype=torch.long, device=device)
        factors = len(single_factor.varying_factors(data)) if params.objective.single_factor_batches else 1
        size = params.train.batch_size
        self.pixel_noise = torch.zeros(
            params.objective.pixel_noise_samples, size, data.channels, SIDE, SIDE, device=device
        )
        self.context = StepContext(
            self.hyperparameters, data.num_images, self.nets[1:], factors, self.active_factor, self.pixel_noise
        )
        self.optimizers = self.build_optimizers(params.train.reference_step(completed_steps - 1))
        self.rng = torch.Generator(device).manual_seed(params.train.seed)
        self.noise = torch.zeros(size, vae.latent_dim, device=device)
        self.packed: Tensor | None = None  # (batch, bytes)
        self.loaded_values: dict[str, float] = {}  # in the scalar tensors; written only when they change
        self.sums = torch.zeros(3 + vae.latent_dim, device=device)
        self.runner = StepRunner(device)
        self.losses = torch.compile(self.compute_losses) if params.train.compile else self.compute_losses

    def build_optimizers(self, step: int) -> list[Optimizer]:
        """Return the optimizers of all networks at a step of the full schedule, from 0."""
        auxiliary_nets = [
            Adam(auxiliary.net.parameters(), self.hyperparameters[auxiliary.lr_name], auxiliary.betas)
            for auxiliary in self.auxiliary_nets
        ]
        return [*self.build_model_optimizers(step), *auxiliary_nets]

    def build_model_optimizers(self, step: int) -> list[Optimizer]:
        """Return the model's optimizers at a step of the full schedule; Muon leaves vectors (biases) to Adam."""
        train, weights, betas = self.params.train, list(self.vae.parameters()), self.params.objective.adam_betas
        name = train.optimizer if step >= train.adam_warmup_steps else "adam"
        if name == "adagrad":
            return [Adagrad(weights, self.lr)]
        if name == "adam":
            return [Adam(weights, self.lr, betas)]
        matrices = [weight for weight in weights if weight.ndim > 1]
        vectors = [weight for weight in weights if weight.ndim == 1]
        return [Adam(vectors, self.lr, betas), Muon(matrices, self.lr)]

    def step(self, packed: Tensor, number: int) -> None:
        """Update all weights by (batch, bytes) packed images; `number` is the step, from 0."""
        if self.load_batch(packed, number):
            self.runner.reset()
        if self.ranks.size == 1:
            self.runner(self.compute_step)
        else:
            self.compute_step()  # not captured, because it communicates with other processes

    def load_batch(self, packed: Tensor, number: int) -> bool:
        """Copy the inputs of a step into their tensors; return whether the optimizer changes at this step."""
        packed = self.ranks.local_shard(packed)
        if self.packed is None:
            self.packed = torch.empty_like(packed, device=self.device)
        self.packed.copy_(packed, non_blocking=True)
        self.noise.normal_(generator=self.rng)
        self.pixel_noise.normal_(generator=self.rng)
        train, reference_step = self.params.train, self.params.train.reference_step(number)
        values = {
            "learning_rate": value_at(train.learning_rate, reference_step),
            **values_at(self.params.objective, reference_step),
        }
        for name, value in values.items() - self.loaded_values.items():
            self.hyperparameters.get(name, self.lr).fill_(value)
        self.loaded_values = values
        if self.params.objective.single_factor_batches:
            self.active_factor.fill_(single_factor.varied_factor(self.data, train.seed, number))
        if isinstance(self.params.objective, PairVAE):
            size, changes = train.batch_size // 2, self.params.objective.changes
            _, changed = pairs.sample_changes(self.data, size, changes, train.seed, number)
            self.active_factor.copy_(torch.from_numpy(changed))
        has_warmed_up = train.reference_step(number - 1) < train.adam_warmup_steps <= reference_step
        if has_warmed_up:
            self.switch_optimizer(reference_step)
        return has_warmed_up

    def switch_optimizer(self, reference_step: int) -> None:
        """Replace the optimizers; Adam keeps the moments of weights that it continues to update."""
        previous_state = self.optimizer_state()
        self.optimizers = self.build_optimizers(reference_step)
        for optimizer, weight, weight_state in self.match_optimizers(previous_state):
            if weight_state.keys() == optimizer.state[weight].keys():
                optimizer.state[weight] = weight_state

    def compute_step(self) -> None:
        """Compute the losses and gradients of the loaded batch and update all weights."""
        assert self.packed is not None
        precision = self.params.train.precision
        with autocast(self.device, precision):
            losses, totals = self.losses(self.packed, self.noise)
        with reproducible(self.device, precision):
            for net, loss in zip(self.nets, losses, strict=True):
                net.zero_grad()
                torch.autograd.backward(loss, inputs=list(net.parameters()))
        for optimizer in self.optimizers:
            optimizer.step()
        self.sums += totals

    def compute_losses(self, packed: Tensor, noise: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the losses of the model and of its auxiliary networks, each a scalar, and the step's totals."""
        out = self.forward(unpack_images(packed, self.data), noise, self.context)
        losses = self.loss_module.compute_losses(out, self.context)
        return losses, step_totals(losses[0], out)

    def running_averages(self) -> list[float]:
        """Return loss, reconstruction loss and KL of each latent, nats per image, averaged since `reset_averages`."""
        steps, *sums = self.sums.tolist()
        return [value / steps for value in sums]

    def reset_averages(self) -> None:
        """Start new running averages."""
        self.sums.zero_()

    def state(self) -> dict[str, Any]:
        """Return everything except the model's weights that later steps depend on, in plain containers."""
        weight_state = [{name: value.cpu() for name, value in one.items()} for one in self.optimizer_state()]
        auxiliary_nets = [{name: value.cpu() for name, value in net.state_dict().items()} for net in self.nets[1:]]
        return {
            "optimizer_state": weight_state,
            "auxiliary_nets": auxiliary_nets,
            "rng": self.rng.get_state(),
            "sums": self.sums.cpu(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state; raises ValueError, or errors of torch, if it belongs to another model or device."""
        for optimizer, weight, weight_state in self.match_optimizers(state["optimizer_state"]):
            has_valid_shapes = all(value.shape in (weight.shape, ()) for value in weight_state.values())
            if weight_state.keys() != optimizer.state[weight].keys() or not has_valid_shapes:
                raise ValueError("the optimizer state does not match the model")
            optimizer.state[weight] = {name: value.to(self.device) for name, value in weight_state.items()}
        for net, weights in zip(self.nets[1:], state["auxiliary_nets"], strict=True):
            net.load_state_dict(weights)
        self.rng.set_state(state["rng"])
        self.sums.copy_(state["sums"])

    def optimizer_state(self) -> list[dict[str, Tensor]]:
        """Return the optimizer state of each weight, in the order of `weights`."""
        saved_state = {
            weight: weight_state for optimizer in self.optimizers for weight, weight_state in optimizer.state.items()
        }
        return [saved_state[weight] for weight in self.weights()]

    def match_optimizers(
        self, weight_state: list[dict[str, Tensor]]
    ) -> list[tuple[Optimizer, Tensor, dict[str, Tensor]]]:
        """Return each weight with its optimizer and its optimizer state."""
        optimizers = {weight: optimizer for optimizer in self.optimizers for weight in optimizer.weights}
        pairs = zip(self.weights(), weight_state, strict=True)
        return [(optimizers[weight], weight, state) for weight, state in pairs]

    def weights(self) -> list[Tensor]:
        """Return the weights of all networks, the model's first."""
        return [weight for net in self.nets for weight in net.parameters()]


@torch.no_grad()
def step_totals(loss: Tensor, out: ForwardPass) -> Tensor:
    """Return (1, loss, reconstruction loss, KL of each latent) of a step, (3 + latent_dim,), on the device."""
    return torch.cat([loss.new_ones(1), loss[None], out.reconstruction_loss.mean()[None], out.kl.mean(dim=0)])
