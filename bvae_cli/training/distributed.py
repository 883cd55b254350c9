"""Data-parallel training: each process encodes a shard of a batch; the loss is that of the whole batch."""

from __future__ import annotations

import warnings
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn.parallel import DistributedDataParallel

from bvae_cli.models.vae import VAE, ForwardPass
from bvae_cli.objectives.objective import Objective, StepContext
from bvae_cli.system.ranks import Ranks


class DistributedForward:
    """A forward pass whose batch is sharded over the processes and gathered in all of them.

    Each process then computes the loss of the whole batch, so that an objective may compare any of its images.
    """

    def __init__(self, objective: Objective, vae: VAE, ranks: Ranks) -> None:
        """Wrap a model that is identical in all processes."""
        device = next(vae.parameters()).device
        # Weights with one channel have gradients with other but equivalent strides; the copy takes no measurable time.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        devices = [device] if device.type == "cuda" else None
        self.forward_shard = DistributedDataParallel(ForwardModule(objective, vae), device_ids=devices)
        self.ranks = ranks

    def __call__(self, images: Tensor, noise: Tensor, context: StepContext) -> ForwardPass:
        """Return the forward pass of the whole batch from this process's images and (batch, latent_dim) noise."""
        out: ForwardPass = self.forward_shard(images, self.ranks.local_shard(noise), context)
        shard = torch.cat([out.mean, out.logvar, out.z, out.kl, out.reconstruction_loss[:, None]], dim=1)
        batch = AllGather.apply(shard, self.ranks)  # type: ignore[no-untyped-call]
        mean, logvar, z, kl, reconstruction = torch.split(batch, [*[noise.shape[1]] * 4, 1], dim=1)
        return replace(
            out, mean=mean, logvar=logvar, noise=noise, z=z, kl=kl, reconstruction_loss=reconstruction.squeeze(1)
        )


class ForwardModule(nn.Module):
    """An objective's forward pass as a module."""

    def __init__(self, objective: Objective, vae: VAE) -> None:
        super().__init__()
        self.objective, self.vae = objective, vae

    def forward(self, images: Tensor, noise: Tensor, context: StepContext) -> ForwardPass:
        """Return the objective's forward pass."""
        return self.objective.forward(self.vae, images, noise, context)


class AllGather(torch.autograd.Function):
    """All-gather with a gradient: the rows of all processes in the order of their ranks."""

    @staticmethod
    def forward(ctx: FunctionCtx, shard: Tensor, ranks: Ranks) -> Tensor:
        """Return (processes · rows, columns) from the (rows, columns) of each process."""
        ctx.ranks = ranks  # type: ignore[attr-defined]
        shards = [torch.empty_like(shard) for _ in range(ranks.size)]
        torch.distributed.all_gather(shards, shard.contiguous())
        return torch.cat(shards)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None]:
        """Return the gradient of this process's rows, times the number of processes.

        Each process computes the same loss of the whole batch, so its shard's gradient is complete. The factor
        compensates for DistributedDataParallel, which averages the weights' gradients instead of adding them.
        """
        ranks: Ranks = ctx.ranks  # type: ignore[attr-defined]
        return ranks.local_shard(gradients[0]) * ranks.size, None
