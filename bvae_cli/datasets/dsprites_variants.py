"""dSprites in colour and in noise (Locatello et al. 2019, appendix), which fix neither.

Here the colour, or the noise, of each picture is fixed by its number, and drawn as a batch is unpacked: what lies on
the disk and in memory are the sprites and the numbers.
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
    """The whole data set, drawn."""
    return append_indices(dsprites.render(options))


def read(path: Path, options: ReadOptions) -> ImageStream:
    """A file of dSprites; raises what reading it does."""
    return append_indices(dsprites.read(path, options))


def append_indices(stream: ImageStream) -> ImageStream:
    """The same, each packed picture followed by its number."""
    return replace(stream, blocks=append_indices_to_blocks(stream.blocks))


def append_indices_to_blocks(blocks: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """(images, bytes) blocks with the number of each image at its end, the least byte first."""
    import numpy as np

    count = 0
    for block in blocks:
        numbers = np.arange(count, count + len(block), dtype=f"<u{INDEX_BYTES}")
        yield np.concatenate([block, numbers[:, None].view(np.uint8)], axis=1)
        count += len(block)


def make_variant(name: str, form: str) -> Dataset:
    """The sprites in three channels, unpacked in such a form."""
    return replace(
        DSPRITES,
        spec=replace(DSPRITES.spec, name=name, channels=3, pixel_format=form),
        sources={**DSPRITES.sources, "procedural": render_variant},
        read=read,
        origin="dSprites, as in Locatello et al. 2019",
    )


COLOR_DSPRITES = make_variant("color_dsprites", "coloured")
NOISY_DSPRITES = make_variant("noisy_dsprites", "noisy")
