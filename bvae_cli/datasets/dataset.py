"""An entry of the table of data sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources.source import ReadOptions, RemoteFile


@dataclass(frozen=True)
class Dataset:
    """An entry of the table."""

    spec: DataSpec  # as published
    sources: Mapping[str, Callable[[ReadOptions], ImageStream] | tuple[RemoteFile, ...]]  # the first is the default
    read: Callable[
        [Path, ReadOptions], ImageStream
    ]  # a file of the published form; of several, the first, the rest beside it
    origin: str  # who made it, and where it is from
    licence: str
    showcase: Callable[[Sequence[int]], list[tuple[int, ...]]] | None = None  # a grid's sizes to factors to show first
