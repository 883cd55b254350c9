"""The curves of a run: history.csv, which grows by whole lines."""

import time
from dataclasses import dataclass
from pathlib import Path

from bvae_cli.evaluation.decomposition import KLDecomposition
from bvae_cli.objectives.schedule import values_at
from bvae_cli.params import Params
from bvae_cli.system.files import csv_line, write_text

PATIENCE = 2  # seconds from one writing of the file to the next
KL_TERMS = list(KLDecomposition(0, 0, 0).as_dict())


@dataclass(frozen=True)
class LogEntry:
    """Means over the steps since the one before."""

    step: int  # steps done
    loss: float
    reconstruction_loss: float  # nats an image
    kl: list[float]  # of each latent, nats an image
    hyperparameters: dict[str, float]  # of the objective, at this step
    learning_rate: float
    images_per_second: float
    kl_decomposition: dict[str, float | None]  # of the KL of all images, nats; None where it is not their turn


class History:
    """The lines so far, on the disk and here, so that a checkpoint can take them along."""

    def __init__(self, path: Path, text: str) -> None:
        """Begin with a heading, or go on from the lines of a checkpoint; raises what `write` does."""
        self.path, self.text = path, text
        self.write()

    def write(self) -> None:
        """Write all lines, down to the disk; raises BvaeError where they cannot be written."""
        write_text(self.path, self.text)
        self.written_at = time.monotonic()

    def add(self, row: LogEntry) -> None:
        """Add a line, and write all from time to time: as a whole, since appending is seen, or cut short, halfway."""
        hyperparameters = row.hyperparameters.values()
        losses = [row.step, row.loss, row.reconstruction_loss, sum(row.kl)]
        cells = [*losses, *hyperparameters, row.learning_rate, *row.kl, *row.kl_decomposition.values()]
        self.text += csv_line(cells)
        if time.monotonic() - self.written_at >= PATIENCE:
            self.write()


def csv_header(params: Params) -> str:
    """The first line, of the columns that an experiment has."""
    latents = [f"kl_{index}" for index in range(params.model.latent_dim)]
    hyperparameters = values_at(params.objective, 0)
    parts = KL_TERMS if params.train.kl_decomposition_every else []
    return csv_line(["step", "loss", "reconstruction_loss", "kl", *hyperparameters, "learning_rate", *latents, *parts])
