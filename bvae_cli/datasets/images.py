"""Pictures in memory, packed as they are on the disk, and unpacked a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bvae_cli.datasets import store
from bvae_cli.datasets.spec import SIDE, DataSpec


@dataclass(frozen=True)
class Images:
    """All images of a data file."""

    spec: DataSpec
    packed: Tensor  # (images, bytes) uint8

    def __len__(self) -> int:
        return len(self.packed)

    def to(self, device: torch.device) -> Images:
        """The same images on a device."""
        return Images(self.spec, self.packed.to(device))

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        """The images at an index, unpacked where they lie: (batch, channels, 64, 64) float32 of 0 and 1."""
        places = torch.arange(7, -1, -1, dtype=torch.uint8, device=self.packed.device)  # of a byte's pixels
        bits = self.packed[index][..., None] >> places & 1  # (batch, bytes, 8)
        return bits.float().view(-1, self.spec.channels, SIDE, SIDE)

    def factors(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """(images, factors): the factors of the images at an index."""
        return np.stack(np.unravel_index(index, self.spec.grid), axis=-1)


def load(folder: Path, name: str) -> Images:
    """The images of a data set, from its data file in a folder; raises what `store.read` does."""
    spec, packed = store.read(folder / f"{name}.h5", name)
    return Images(spec, torch.from_numpy(packed))
