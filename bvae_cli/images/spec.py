"""What a data set is, before and after it is on the disk."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 64  # pixels; every data set is brought to this size
UNKNOWN = "unknown"  # the name of data that a foreign model was trained on, and that is none of the table

DATASET_NAMES = (
    "dsprites", "celeba", "3dchairs", "color_dsprites", "noisy_dsprites", "shapes3d", "cars3d", "smallnorb",
    "mpi3d_toy", "mpi3d_realistic", "mpi3d_real", "faces", "folder",
)  # fmt: skip
"""Those of the table in `datasets`, whose readers need not be loaded for a hint."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

INDEX_BYTES = 4  # bytes of a picture's number, least first
BYTES_PER_IMAGE: dict[str, Callable[[int], int]] = {
    "bits": lambda channels: channels * SIDE * SIDE // 8,
    "bytes": lambda channels: channels * SIDE * SIDE,
    "coloured": lambda _: SIDE * SIDE // 8 + INDEX_BYTES,  # one binary channel, and the index that seeds the colour
    "noisy": lambda _: SIDE * SIDE // 8 + INDEX_BYTES,  # the same, the index seeds the noise
}
"""The forms that a picture is packed in, channel by channel and row by row: how many bytes it takes."""


@dataclass(frozen=True)
class DataSpec:
    """What a trained model has to know of its data: it travels in the data file and in every checkpoint."""

    name: str
    channels: int
    likelihood: str
    factors: dict[str, int]  # how many values each has; the last varies fastest
    num_samples: int | None = None  # number of images, where they are not one for each combination of the factors
    pixel_format: str = "bits"
    center_crop: int = 0  # pixels, the side of the square in the middle that was kept; 0 for whole pictures
    resample: str = "box"  # how they were brought to their size

    @property
    def factor_sizes(self) -> tuple[int, ...]:
        """How many values each factor has."""
        return tuple(self.factors.values())

    @property
    def num_images(self) -> int:
        """Number of images."""
        return math.prod(self.factor_sizes) if self.num_samples is None else self.num_samples

    @property
    def bytes_per_image(self) -> int:
        """Bytes of a packed image."""
        return BYTES_PER_IMAGE[self.pixel_format](self.channels)

    def index(self, factors: Iterable[int]) -> int:
        """The number of the image with these factors, where there is one for each combination of them."""
        number = 0
        for value, size in zip(factors, self.factor_sizes, strict=True):
            number = number * size + value
        return number


@dataclass(frozen=True)
class ImageStream:
    """The images that a source has, read or drawn as they are asked for."""

    spec: DataSpec
    blocks: Iterator[NDArray[np.uint8]]  # each (images, bytes), packed, in their order
    labels: NDArray[np.int64] | None = None  # (images, factors), numbers of values, where they are no grid
    unreadable: list[int] = field(
        default_factory=list
    )  # numbers of the images that turn out, on the way, to be left out


def require_valid_name(key: str, name: str) -> None:
    """Raise ValueError, naming the key, where data cannot be called so: files are named after it."""
    if not NAME.fullmatch(name) or name == UNKNOWN:
        raise ValueError(f"{key} cannot be {name!r}: take letters, digits, - and _ in their place, 64 at most")
