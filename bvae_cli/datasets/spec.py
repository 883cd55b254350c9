"""What a data set is, before and after it is on the disk."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIDE = 64  # pixels; every data set is brought to this size
UNKNOWN = "unknown"  # the name of data that a foreign model was trained on, and that is none of the table


@dataclass(frozen=True)
class DataSpec:
    """What a trained model has to know of its data: it travels in the data file and in every checkpoint."""

    name: str
    channels: int
    likelihood: str
    factors: dict[str, int]  # how many values each has; the last varies fastest

    @property
    def grid(self) -> tuple[int, ...]:
        """How many values each factor has."""
        return tuple(self.factors.values())

    @property
    def count(self) -> int:
        """Number of images: one for each combination of the factors."""
        return math.prod(self.grid)

    def index(self, factors: Iterable[int]) -> int:
        """The number of the image with these factors."""
        number = 0
        for value, size in zip(factors, self.grid, strict=True):
            number = number * size + value
        return number


@dataclass(frozen=True)
class Pictures:
    """The images that a source has, read or drawn as they are asked for."""

    factors: dict[str, int]
    blocks: Iterator[NDArray[np.uint8]]  # each (images, bytes), eight binary pixels a byte, in the order of the factors


@dataclass(frozen=True)
class Remote:
    """A file on the network, read only when its hash is right."""

    url: str
    sha256: str


@dataclass(frozen=True)
class DataSet:
    """An entry of the table."""

    name: str
    channels: int
    likelihood: str
    sources: Mapping[str, Callable[[], Pictures] | Remote]  # drawn, or fetched and read; the first is the default
    read: Callable[[Path], Pictures]  # a file of the published form
    showcase: Callable[[Sequence[int]], list[tuple[int, ...]]]  # a grid's sizes to the factors of the pictures to show
