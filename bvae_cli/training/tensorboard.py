"""The curves for TensorBoard."""

import logging
from pathlib import Path

from bvae_cli.system.errors import BvaeError
from bvae_cli.training.history import LogEntry


class TensorBoardLogger:
    """Event files in a folder."""

    def __init__(self, folder: Path, step: int) -> None:
        """Go on from a step; what an earlier run wrote beyond it is hidden. Raises BvaeError without TensorBoard."""
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise BvaeError("TensorBoard is not installed", "pip install 'bvae[tensorboard]'") from error
        self.writer = SummaryWriter(str(folder), purge_step=step + 1)

    def add(self, row: LogEntry) -> None:
        """Add the figures of a line of history.csv."""
        losses = {"loss": row.loss, "reconstruction_loss": row.reconstruction_loss, "kl": sum(row.kl)}
        latents = {f"latent/kl_{index}": kl for index, kl in enumerate(row.kl)}
        hyperparameters = row.hyperparameters | {
            "learning_rate": row.learning_rate,
            "images_per_second": row.images_per_second,
        }
        parts = {name: value for name, value in row.kl_decomposition.items() if value is not None}
        for name, value in (losses | latents | hyperparameters | parts).items():
            self.writer.add_scalar(name, value, row.step)
        self.writer.flush()
