"""Which device computes."""

import torch

from bvae_cli.errors import BvaeError


def select(gpu: int | None, cpu: bool) -> torch.device:
    """The GPU of that number, the processor, or, where neither is asked for, the first GPU if there is one.

    Raises:
        BvaeError: there is no such GPU, or both are asked for.
    """
    count = torch.cuda.device_count()
    if cpu and gpu is not None:
        raise BvaeError("--gpu and --cpu exclude each other", "leave one out.")
    if gpu is not None and gpu >= count:
        there = ", ".join(f"{index} ({torch.cuda.get_device_name(index)})" for index in range(count))
        raise BvaeError(f"there is no GPU {gpu} here", f"there is {there}." if there else "there is none: use --cpu.")
    if cpu or not count:
        return torch.device("cpu")
    return torch.device("cuda", gpu or 0)


def arithmetic(device: torch.device, precision: str) -> torch.autocast:
    """The context in which networks compute in `precision`: float32 or bfloat16."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
