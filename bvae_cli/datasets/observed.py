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
from bvae_cli.datasets.dsprites import DSPRITES
from bvae_cli.datasets.spec import NUMBER, DataSet, Pictures, Reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def rendered(reading: Reading) -> Pictures:
    """The whole data set, drawn."""
    return with_numbers(dsprites.rendered(reading))


def read(path: Path, reading: Reading) -> Pictures:
    """A file of dSprites; raises what reading it does."""
    return with_numbers(dsprites.read(path, reading))


def with_numbers(pictures: Pictures) -> Pictures:
    """The same, each packed picture followed by its number."""
    return replace(pictures, blocks=numbered(pictures.blocks))


def numbered(blocks: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """(images, bytes) blocks with the number of each image at its end, the least byte first."""
    import numpy as np

    count = 0
    for block in blocks:
        numbers = np.arange(count, count + len(block), dtype=f"<u{NUMBER}")
        yield np.concatenate([block, numbers[:, None].view(np.uint8)], axis=1)
        count += len(block)


def observed(name: str, form: str) -> DataSet:
    """The sprites in three channels, unpacked in such a form."""
    return replace(
        DSPRITES,
        spec=replace(DSPRITES.spec, name=name, channels=3, form=form),
        sources={**DSPRITES.sources, "rendered": rendered},
        read=read,
        origin="dSprites, as in Locatello et al. 2019",
    )


COLOR_DSPRITES = observed("color_dsprites", "coloured")
NOISY_DSPRITES = observed("noisy_dsprites", "noisy")
