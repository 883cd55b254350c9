"""A batch that is divided over processes, whose loss is that of the whole of it."""

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
    """The forward pass of a part of a batch in each process, put together in all of them.

    Each then computes the loss of the whole batch, so that an objective may compare any images in it.
    """

    def __init__(self, objective: Objective, vae: VAE, ranks: Ranks) -> None:
        """Of a model that is the same in all processes."""
        device = next(vae.parameters()).device
        # Of weights of one channel, whose gradients come in another of two equal layouts; it takes no time to speak of.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        devices = [device] if device.type == "cuda" else None
        self.part, self.ranks = DistributedDataParallel(ForwardModule(objective, vae), device_ids=devices), ranks

    def __call__(self, images: Tensor, noise: Tensor, context: StepContext) -> ForwardPass:
        """What a batch comes to; images are this process's part of it, noise that of the whole, (batch, latent_dim)."""
        out: ForwardPass = self.part(images, self.ranks.local_shard(noise), context)
        own = torch.cat([out.mean, out.logvar, out.z, out.kl, out.reconstruction_loss[:, None]], dim=1)
        whole = AllGather.apply(own, self.ranks)  # type: ignore[no-untyped-call]
        mean, logvar, z, kl, reconstruction = torch.split(whole, [*[noise.shape[1]] * 4, 1], dim=1)
        return replace(
            out, mean=mean, logvar=logvar, noise=noise, z=z, kl=kl, reconstruction_loss=reconstruction.squeeze(1)
        )


class ForwardModule(nn.Module):
    """A forward pass as a module."""

    def __init__(self, objective: Objective, vae: VAE) -> None:
        super().__init__()
        self.objective, self.vae = objective, vae

    def forward(self, images: Tensor, noise: Tensor, context: StepContext) -> ForwardPass:
        """What the objective's forward pass comes to."""
        return self.objective.forward(self.vae, images, noise, context)


class AllGather(torch.autograd.Function):
    """The rows of all processes, in their order."""

    @staticmethod
    def forward(ctx: FunctionCtx, own: Tensor, ranks: Ranks) -> Tensor:
        """(rows, columns) of this process to (processes · rows, columns)."""
        ctx.ranks = ranks  # type: ignore[attr-defined]
        parts = [torch.empty_like(own) for _ in range(ranks.size)]
        torch.distributed.all_gather(parts, own.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None]:
        """The sum of what comes back in all processes, in each of which the loss of the whole is the same.

        It is as many times too much as there are processes; DistributedDataParallel, which takes the mean of the
        weights' gradients where they are parts of a sum, makes up for it.
        """
        ranks: Ranks = ctx.ranks  # type: ignore[attr-defined]
        return ranks.local_shard(gradients[0]) * ranks.size, None
