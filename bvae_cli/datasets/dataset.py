"""The type of an entry in the table of data sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources.source import ReadOptions, RemoteFile


@dataclass(frozen=True)
class Dataset:
    """A data set: its spec, its sources, and a function that reads its published files."""

    spec: DataSpec  # as published
    sources: Mapping[str, Callable[[ReadOptions], ImageStream] | tuple[RemoteFile, ...]]  # the first is the default
    read: Callable[[Path, ReadOptions], ImageStream]  # takes the first published file; others are in the same folder
    origin: str  # authors and address
    licence: str
    showcase: Callable[[Sequence[int]], list[tuple[int, ...]]] | None = None  # factor sizes → factors of example images
