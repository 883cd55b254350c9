"""Sharded computation of a step on a CPU: several threads compute the shards of a batch.

If each operation is divided over threads, as PyTorch does it, the threads wait for each other some hundred times per
step, for a time slice each time if another program uses a core. Here a thread computes all layers of a network for a
whole shard, so threads meet only between the networks. The number of shards is fixed and their gradients are summed in
order: the result does not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from bvae_cli.models.vae import VAE
from bvae_cli.params import Params
from bvae_cli.system.device import limit_torch_threads
from bvae_cli.system.parallel import num_threads
from bvae_cli.system.ranks import Ranks

Item = TypeVar("Item")
Result = TypeVar("Result")


def is_sharded(params: Params, device: torch.device, ranks: Ranks) -> bool:
    """Return whether the shards of a batch are computed by threads: not on a GPU, by processes, or compiled."""
    return device.type == "cpu" and ranks.size == 1 and not params.train.compile


class ShardedVAE(VAE):
    """A view of a VAE, with the same weights, whose networks compute the shards of a batch on several threads."""

    def __init__(self, vae: VAE, shards: int) -> None:
        """Divide each batch into a number of shards."""
        nn.Module.__init__(self)
        self.encoder, self.decoder = vae.encoder, vae.decoder
        self.likelihood, self.latent_dim = vae.likelihood, vae.latent_dim
        self.shards = Shards(shards)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the posterior mean and log-variance, each (batch, latent_dim)."""
        mean, logvar = self.shards.call(self.encoder, self.encoder, images).chunk(2, dim=1)
        return mean, logvar

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean image, (batch, channels, 64, 64) in [0, 1], of (batch, latent_dim) codes."""
        return self.shards.call(super().decode, self.decoder, z)

    def reconstruction_loss(self, z: Tensor, images: Tensor) -> Tensor:
        """Return −log p(x | z), (batch,), nats per image."""
        return self.shards.call(super().reconstruction_loss, self.decoder, z, images)


class Shards:
    """A fixed number of shards of a batch, computed by at most as many threads."""

    def __init__(self, number: int) -> None:
        """Start no more threads than this process may use."""
        self.number, threads = number, min(number, num_threads())
        self.pool = ThreadPoolExecutor(threads, initializer=limit_torch_threads) if threads > 1 else None

    def call(self, function: Callable[..., Tensor], net: nn.Module, *rows: Tensor) -> Tensor:
        """Return `function(*rows)`, whose first dimension is that of the rows; it may depend on the weights of a net.

        The gradients of the rows and of the weights are exact.
        """
        weights = list(net.parameters())
        is_recorded = torch.is_grad_enabled()
        return ShardedCall.apply(self, function, is_recorded, len(rows), *rows, *weights)  # type: ignore[no-untyped-call, no-any-return]

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        """Return the results of a function of each shard, computed with one torch thread each, in order."""
        return list(self.pool.map(function, items) if self.pool else map(function, items))


class ShardedCall(torch.autograd.Function):
    """A function of a batch that is computed for each shard, with its own graph."""

    @staticmethod
    def forward(
        ctx: Any, shards: Shards, function: Callable[..., Tensor], is_recorded: bool, num_rows: int, *tensors: Tensor
    ) -> Tensor:
        """Return the outputs of all shards, concatenated."""
        is_bfloat16 = torch.is_autocast_enabled("cpu")
        needs_gradient = [is_recorded and each.requires_grad for each in tensors]

        def compute(rows: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
            leaves = [each.detach().requires_grad_(needed) for each, needed in zip(rows, needs_gradient, strict=False)]
            # The cache of cast weights belongs to a thread, but its graph could outlast this shard's.
            autocast = torch.autocast("cpu", torch.bfloat16, enabled=is_bfloat16, cache_enabled=False)
            with torch.set_grad_enabled(is_recorded), autocast:
                return leaves, function(*leaves)

        parts = zip(*(rows.chunk(shards.number) for rows in tensors[:num_rows]), strict=True)
        ctx.shards, ctx.needs_gradient, ctx.weights = shards, needs_gradient, tensors[num_rows:]
        ctx.graphs = shards.map(compute, list(parts))
        return torch.cat([output.detach() for _, output in ctx.graphs])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the rows, concatenated, and those of the weights, summed over the shards."""
        graphs, ctx.graphs = ctx.graphs, None  # freed as soon as possible

        def differentiate(part: tuple[tuple[list[Tensor], Tensor], Tensor]) -> tuple[Tensor, ...]:
            (leaves, output), gradient = part
            inputs = [each for each in (*leaves, *ctx.weights) if each.requires_grad]
            # The product has this gradient; `grad` would import SymPy to compare the shapes of output and gradient.
            with torch.enable_grad():
                total = (output * gradient).sum()
            return torch.autograd.grad(total, inputs)

        sizes = [len(output) for _, output in graphs]
        by_shard = ctx.shards.map(differentiate, list(zip(graphs, torch.split(gradients[0], sizes), strict=True)))
        rows = sum(ctx.needs_gradient[: len(graphs[0][0])])
        of_rows = [torch.cat(parts) for parts in zip(*(shard[:rows] for shard in by_shard), strict=True)]
        of_weights = [*by_shard[0][rows:]]
        for shard in by_shard[1:]:
            torch._foreach_add_(of_weights, [*shard[rows:]])
        computed = iter([*of_rows, *of_weights])
        return None, None, None, None, *(next(computed) if needed else None for needed in ctx.needs_gradient)
