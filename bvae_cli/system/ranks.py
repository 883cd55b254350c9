"""The processes that torchrun starts for one model, or the only one that there is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor

from bvae_cli.system.errors import BvaeError

PATIENCE = timedelta(minutes=5)  # in which the others have to answer, though the first may be saving


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this is."""

    rank: int = 0
    size: int = 1

    def local_shard(self, batch: Tensor) -> Tensor:
        """The part of a batch that this process takes."""
        return batch.chunk(self.size)[self.rank]

    def all_reduce_max(self, number: int, step: int) -> int:
        """The greatest of the numbers that all processes come with; raises BvaeError where they are at other steps."""
        if self.size == 1:
            return number
        message = torch.tensor([number, step, -step])  # on the processor, for which a GPU does not have to stop
        torch.distributed.all_reduce(message, torch.distributed.ReduceOp.MAX)
        greatest, last, first = message.tolist()
        if last != -first:
            problem = f"one process of torchrun is at step {last}, another at {-first}"
            raise BvaeError(problem, "give all of them one and the same --out.")
        return int(greatest)


SINGLE_PROCESS = Ranks()


def local_rank() -> int | None:
    """Which of this machine's processes this is, where torchrun started it."""
    return int(os.environ["LOCAL_RANK"]) if "TORCHELASTIC_RUN_ID" in os.environ else None


def is_follower() -> bool:
    """Whether torchrun started this process, and another one that is to speak for all."""
    return local_rank() is not None and os.environ["RANK"] != "0"


@contextmanager
def process_group(device: torch.device) -> Iterator[Ranks]:
    """The processes of torchrun, once all are there; this one alone where it was not started so.

    Raises:
        BvaeError: another process is gone, or has not answered for five minutes.
    """
    if local_rank() is None:
        yield SINGLE_PROCESS
        return
    try:
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        torch.distributed.init_process_group(backend, timeout=PATIENCE)
        yield Ranks(torch.distributed.get_rank(), torch.distributed.get_world_size())
        torch.distributed.destroy_process_group()
    except RuntimeError as error:
        if not isinstance(error, torch.distributed.DistError) and "gloo" not in str(error):
            raise
        raise BvaeError(
            f"another process of torchrun is gone, or does not answer: {' '.join(str(error).split())[:200]}",
            "start it again, with --resume.",
        ) from error
