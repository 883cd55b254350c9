"""Distributed data-parallel training: the processes that torchrun starts for one model, or a single process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor

from bvae_cli.system.errors import BvaeError

TIMEOUT = timedelta(minutes=5)  # for a collective operation; rank 0 may be writing a checkpoint meanwhile


@dataclass(frozen=True)
class Ranks:
    """Rank of this process and the number of processes."""

    rank: int = 0
    size: int = 1

    def local_shard(self, batch: Tensor) -> Tensor:
        """Return the part of a batch that this process computes."""
        return batch.chunk(self.size)[self.rank]

    def all_reduce_max(self, number: int, step: int) -> int:
        """Return the maximum of `number` over all processes; raises BvaeError if they are at different steps."""
        if self.size == 1:
            return number
        message = torch.tensor([number, step, -step])  # on the CPU, so that the GPU is not synchronised
        torch.distributed.all_reduce(message, torch.distributed.ReduceOp.MAX)
        maximum, last, first = message.tolist()
        if last != -first:
            problem = f"the processes of torchrun are at different steps: {-first} and {last}"
            raise BvaeError(problem, "pass the same --out to all processes.")
        return int(maximum)


SINGLE_PROCESS = Ranks()


def local_rank() -> int | None:
    """Return the local rank of this process, or None if torchrun did not start it."""
    return int(os.environ["LOCAL_RANK"]) if "TORCHELASTIC_RUN_ID" in os.environ else None


def is_follower() -> bool:
    """Return whether torchrun started this process with a rank other than 0; only rank 0 prints."""
    return local_rank() is not None and os.environ["RANK"] != "0"


@contextmanager
def process_group(device: torch.device) -> Iterator[Ranks]:
    """Join the process group of torchrun and yield the ranks; without torchrun, yield a single process.

    Raises:
        BvaeError: another process has ended, or has not responded for five minutes.
    """
    if local_rank() is None:
        yield SINGLE_PROCESS
        return
    try:
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        torch.distributed.init_process_group(backend, timeout=TIMEOUT)
        yield Ranks(torch.distributed.get_rank(), torch.distributed.get_world_size())
        torch.distributed.destroy_process_group()
    except RuntimeError as error:
        if not isinstance(error, torch.distributed.DistError) and "gloo" not in str(error):
            raise
        raise BvaeError(
            f"another process of torchrun has ended or does not respond: {' '.join(str(error).split())[:200]}",
            "run the same torchrun command again with --resume.",
        ) from error
