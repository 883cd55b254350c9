"""The type of an entry in the table of data sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources.source import ReadOptions, RemoteFile, is_image_name

Source = Callable[[ReadOptions], ImageStream] | tuple[RemoteFile, ...]
"""A function that renders the images, or the published files."""


@dataclass(frozen=True)
class Dataset:
    """A data set: its spec, its sources, and a function that reads its published files."""

    spec: DataSpec  # as published
    sources: Mapping[str, Source]  # the first is the default
    read: Callable[[Path, ReadOptions], ImageStream]  # takes the first published file; others are in the same folder
    origin: str  # authors and address
    licence: str
    is_read: Callable[[str], bool] = is_image_name  # whether a file of the user's folder is read, given its name
    showcase: Callable[[Sequence[int]], list[tuple[int, ...]]] | None = None  # factor sizes → factors of example images
