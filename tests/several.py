"""What torchrun starts in a test: a short training by each objective that is named, of the images in a folder."""

import sys
from pathlib import Path

import torch

from bvae_cli import config
from bvae_cli.datasets.images import load
from bvae_cli.params import Params
from bvae_cli.system.ranks import joined
from bvae_cli.system.reporting import silent
from bvae_cli.training.fitting import fit


def params(objective: str) -> Params:
    """The experiment."""
    train = {"steps": 10, "batch_size": 8, "log_every": 5}
    return config.build({"model": {"net": "conv_h"}, "objective": {"name": objective}, "train": train})


def main(data: str, *objectives: str) -> None:
    """Train by each, into a folder of its name."""
    cpu = torch.device("cpu")
    with joined(cpu) as ranks:
        for objective in objectives:
            list(fit(params(objective), load(Path(data), "dsprites"), cpu, Path(objective), silent, ranks=ranks))


if __name__ == "__main__":
    main(*sys.argv[1:])
