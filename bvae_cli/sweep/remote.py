"""A stack of models, made on a machine of a cluster."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Callable, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bvae_cli import __version__
from bvae_cli.datasets.images import Images
from bvae_cli.datasets.spec import DataSpec
from bvae_cli.sweep.study import Trial
from bvae_cli.sweep.worker import GRACE, News, Place, made
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import wait_until_free


@dataclass(frozen=True)
class Arrays:
    """Images in arrays, which Ray brings to a machine once and maps there into each process."""

    spec: DataSpec
    packed: NDArray[np.uint8]  # (images, bytes)
    labels: NDArray[np.int64] | None

    @classmethod
    def of(cls, images: Images) -> Arrays:
        """Those of images, not copied."""
        return cls(images.spec, images.packed.numpy(), images.labels)

    def images(self) -> Images:
        """The images, not copied either."""
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # that they must not be written to
            return Images(self.spec, torch.from_numpy(self.packed), self.labels)


@dataclass(frozen=True)
class Home:
    """Whence a study is run: all machines must see the folder at this path, and have the same bvae."""

    folder: Path
    program: str = __version__

    def require_here(self) -> None:
        """Raise BvaeError where this machine is another."""
        if self.program != __version__:
            raise BvaeError(f"{socket.gethostname()} has bvae {__version__}, not {self.program}")
        if not self.folder.is_dir():
            raise BvaeError(f"{socket.gethostname()} does not see {self.folder}")


def made_here(
    trials: Sequence[Trial], arrays: Arrays | None, place: Place, home: Home, tell: Callable[[News], None]
) -> list[News]:
    """Make a stack, and tell how it gets on; what is returned is how each of its models ended."""
    over = []
    home.require_here()
    torch.set_num_threads(place.threads)
    with chdir(home.folder):
        for trial in trials:
            wait_until_free(trial.folder, GRACE)  # of a process on a machine that is lost, until it notices
        for news in made(trials, {trials[0].params.dataset.name: arrays.images()} if arrays else {}, place):
            over += [news] if news.over else []
            tell(news)
    return over
