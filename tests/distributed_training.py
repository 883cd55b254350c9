"""Script for torchrun in a test: a short training with each of the given objectives on the images of a folder."""

import sys
from pathlib import Path

import torch

from bvae_cli import config
from bvae_cli.images.in_memory import load_images
from bvae_cli.params import Params
from bvae_cli.system.ranks import process_group
from bvae_cli.system.reporting import ignore_progress
from bvae_cli.training.fit import fit


def params(objective: str) -> Params:
    """Return the params of a training with an objective."""
    train = {"steps": 10, "batch_size": 8, "log_every": 5}
    return config.build_params({"model": {"net": "higgins_conv"}, "objective": {"name": objective}, "train": train})


def main(data: str, *objectives: str) -> None:
    """Train with each objective, in a folder of its name."""
    cpu = torch.device("cpu")
    with process_group(cpu) as ranks:
        for objective in objectives:
            list(
                fit(
                    params(objective),
                    load_images(Path(data), "dsprites"),
                    cpu,
                    Path(objective),
                    ignore_progress,
                    ranks=ranks,
                )
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
