"""The training curves: history.csv, one row per logging interval."""

import time
from dataclasses import dataclass
from pathlib import Path

from bvae_cli.evaluation.decomposition import KLDecomposition
from bvae_cli.objectives.schedule import values_at
from bvae_cli.params import Params
from bvae_cli.system.files import csv_line, write_text

WRITE_INTERVAL = 2  # seconds
KL_TERMS = list(KLDecomposition(0, 0, 0).as_dict())


@dataclass(frozen=True)
class LogEntry:
    """One row of history.csv: averages over the steps since the previous row."""

    step: int  # steps completed
    loss: float
    reconstruction_loss: float  # nats per image
    kl: list[float]  # per latent, nats per image
    hyperparameters: dict[str, float]  # of the objective, at this step
    learning_rate: float
    images_per_second: float
    kl_decomposition: dict[str, float | None]  # of the KL of all images, nats; None between its intervals


class History:
    """The rows of history.csv, on disk and in memory, so that a checkpoint can contain them."""

    def __init__(self, path: Path, params: Params) -> None:
        """Start with the header; nothing is written yet."""
        self.path, self.text = path, csv_header(params)
        self.written_at = -float(WRITE_INTERVAL)

    def restore(self, text: str) -> None:
        """Continue from the rows of a checkpoint."""
        self.text = text

    def write(self) -> None:
        """Write all rows to disk; raises BvaeError if they cannot be written."""
        write_text(self.path, self.text)
        self.written_at = time.monotonic()

    def add(self, entry: LogEntry) -> None:
        """Add a row, and rewrite the file every few seconds: as a whole, since readers would see a partial row."""
        losses = [entry.step, entry.loss, entry.reconstruction_loss, sum(entry.kl)]
        values = [*entry.hyperparameters.values(), entry.learning_rate, *entry.kl, *entry.kl_decomposition.values()]
        self.text += csv_line([*losses, *values])
        if time.monotonic() - self.written_at >= WRITE_INTERVAL:
            self.write()


def csv_header(params: Params) -> str:
    """Return the header row, whose columns depend on the experiment."""
    latents = [f"kl_{index}" for index in range(params.model.latent_dim)]
    hyperparameters = values_at(params.objective, 0)
    kl_terms = KL_TERMS if params.train.kl_decomposition_every else []
    losses = ["step", "loss", "reconstruction_loss", "kl"]
    return csv_line([*losses, *hyperparameters, "learning_rate", *latents, *kl_terms])
