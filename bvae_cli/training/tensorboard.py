"""TensorBoard logging."""

import logging
from pathlib import Path

from bvae_cli.system.errors import BvaeError
from bvae_cli.training.history import LogEntry


class TensorBoardLogger:
    """Writer of TensorBoard event files."""

    def __init__(self, folder: Path, step: int) -> None:
        """Continue after a step and hide later entries; raises BvaeError if TensorBoard is not installed."""
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise BvaeError("TensorBoard is not installed", "pip install 'bvae[tensorboard]'") from error
        self.writer = SummaryWriter(str(folder), purge_step=step + 1)

    def add(self, row: LogEntry) -> None:
        """Add the values of a row of history.csv."""
        losses = {"loss": row.loss, "reconstruction_loss": row.reconstruction_loss, "kl": sum(row.kl)}
        latents = {f"latent/kl_{index}": kl for index, kl in enumerate(row.kl)}
        hyperparameters = row.hyperparameters | {
            "learning_rate": row.learning_rate,
            "images_per_second": row.images_per_second,
        }
        kl_terms = {name: value for name, value in row.kl_decomposition.items() if value is not None}
        for name, value in (losses | latents | hyperparameters | kl_terms).items():
            self.writer.add_scalar(name, value, row.step)
        self.writer.flush()
