"""Color-dSprites and Noisy-dSprites (Locatello et al. 2019, appendix).

The paper draws colours and noise at random. Here the index of an image seeds them, and they are computed when a batch
is unpacked; only the sprites and the indices are stored on disk and in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets import dsprites
from bvae_cli.datasets.dataset import Dataset
from bvae_cli.datasets.dsprites import DSPRITES
from bvae_cli.images.spec import INDEX_BYTES, ImageStream
from bvae_cli.sources.source import ReadOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def render_variant(options: ReadOptions) -> ImageStream:
    """Return the whole data set, rendered."""
    return append_indices(dsprites.render(options))


def read(path: Path, options: ReadOptions) -> ImageStream:
    """Return the images of a dSprites file; raises as `dsprites.read` does."""
    return append_indices(dsprites.read(path, options))


def append_indices(stream: ImageStream) -> ImageStream:
    """Return the same images, each packed image followed by its index."""
    return replace(stream, blocks=append_indices_to_blocks(stream.blocks))


def append_indices_to_blocks(blocks: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """Yield blocks, (images, bytes), with the index of each image appended, in little-endian order."""
    import numpy as np

    count = 0
    for block in blocks:
        indices = np.arange(count, count + len(block), dtype=f"<u{INDEX_BYTES}")
        yield np.concatenate([block, indices[:, None].view(np.uint8)], axis=1)
        count += len(block)


def make_variant(name: str, pixel_format: str) -> Dataset:
    """Return dSprites with three channels and the given pixel format."""
    return replace(
        DSPRITES,
        spec=replace(DSPRITES.spec, name=name, channels=3, pixel_format=pixel_format),
        sources={**DSPRITES.sources, "procedural": render_variant},
        read=read,
        origin="dSprites, as in Locatello et al. 2019",
    )


COLOR_DSPRITES = make_variant("color_dsprites", "coloured")
NOISY_DSPRITES = make_variant("noisy_dsprites", "noisy")
