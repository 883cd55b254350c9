"""Specification of a data set, and images on their way to the disk."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 64  # pixels; every image is resized to 64 × 64
UNKNOWN = "unknown"  # data set name of an imported model whose training data is not in the catalogue

DATASET_NAMES = (
    "dsprites", "celeba", "3dchairs", "color_dsprites", "noisy_dsprites", "shapes3d", "cars3d", "smallnorb",
    "mpi3d_toy", "mpi3d_realistic", "mpi3d_real", "mpi3d_real_complex", "faces", "folder",
)  # fmt: skip
"""Names in the table of `datasets`, repeated here so that a hint does not import every reader."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

INDEX_BYTES = 4  # bytes of an image's index, little-endian
BYTES_PER_IMAGE: dict[str, Callable[[int], int]] = {
    "bits": lambda channels: channels * SIDE * SIDE // 8,
    "bytes": lambda channels: channels * SIDE * SIDE,
    "coloured": lambda _: SIDE * SIDE // 8 + INDEX_BYTES,  # one binary channel, and the index that seeds the colour
    "noisy": lambda _: SIDE * SIDE // 8 + INDEX_BYTES,  # one binary channel, and the index that seeds the noise
}
"""Bytes per packed image for each pixel format, given the number of channels; channels and rows are in order."""


@dataclass(frozen=True)
class DataSpec:
    """The properties of a data set that a trained model needs; stored in the data file and in every checkpoint."""

    name: str
    channels: int
    likelihood: str
    factors: dict[str, int]  # number of values of each factor; the last varies fastest
    num_samples: int | None = None  # number of images; None if there is one for each combination of factors
    pixel_format: str = "bits"
    center_crop: int = 0  # pixels, the side of the central square that was kept; 0: not cropped
    resample: str = "box"  # resampling filter used for resizing
    sha256: str = field(default="", compare=False)  # of the images and labels; empty if unknown

    @property
    def factor_sizes(self) -> tuple[int, ...]:
        """Return the number of values of each factor."""
        return tuple(self.factors.values())

    @property
    def num_images(self) -> int:
        """Return the number of images."""
        return math.prod(self.factor_sizes) if self.num_samples is None else self.num_samples

    @property
    def bytes_per_image(self) -> int:
        """Return the number of bytes of a packed image."""
        return BYTES_PER_IMAGE[self.pixel_format](self.channels)

    def is_same_data(self, other: DataSpec) -> bool:
        """Return whether both describe the same images; their hashes are compared if both are known."""
        return self == other and (self.sha256 == other.sha256 or not (self.sha256 and other.sha256))

    def index(self, factors: Iterable[int]) -> int:
        """Return the index of the image with these factors, for a data set that is a full grid."""
        number = 0
        for value, size in zip(factors, self.factor_sizes, strict=True):
            number = number * size + value
        return number


@dataclass(frozen=True)
class ImageStream:
    """The images of a source, read or rendered on demand."""

    spec: DataSpec
    blocks: Iterator[NDArray[np.uint8]]  # each (images, bytes), packed, in order
    labels: NDArray[np.int64] | None = None  # (images, factors) integer labels; None for a full grid
    unreadable: list[int] = field(default_factory=list)  # indices of skipped images, known once `blocks` is exhausted


def require_valid_name(key: str, name: str) -> None:
    """Raise ValueError, with the key, if a data set cannot have this name; files are named after it."""
    if not NAME.fullmatch(name) or name == UNKNOWN:
        raise ValueError(
            f"{key} cannot be {name!r}: use up to 64 letters, digits, '.', '-' and '_', with a letter or digit first"
        )
