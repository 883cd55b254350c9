"""SmallNORB (LeCun et al. 2004): 48,600 grey photographs of toys, of which the left camera's are taken."""

from __future__ import annotations

import gzip
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images.labels import attach_labels
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources.arrays import wrap_read_errors
from bvae_cli.sources.source import ReadOptions, RemoteFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BYTES, INTEGERS = 0x1E3D4C55, 0x1E3D4C54  # of what a file is an array, by its first number
PAIR = (2, 96, 96)  # cameras, height and width
PAIRS_PER_BLOCK = 256  # pairs of pictures read at a time
SITE = "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/"
HALVES = ("smallnorb-5x46789x9x18x6x2x96x96-training", "smallnorb-5x01235x9x18x6x2x96x96-testing")
HASHES = {
    f"{HALVES[0]}-dat": "66054832f9accfe74a0f4c36a75bc0a2",
    f"{HALVES[0]}-cat": "23c8b86101fbf0904a000b43d3ed2fd9",
    f"{HALVES[0]}-info": "51dee1210a742582ff607dfd94e332e3",
    f"{HALVES[1]}-dat": "e4ad715691ed5a3a5f138751a4ceb071",
    f"{HALVES[1]}-cat": "5aa791cd7e6016cf957ce9bdb93b8603",
    f"{HALVES[1]}-info": "a9454f3864d7fd4bb3ea7fc3eb84924e",
}


def read(path: Path, options: ReadOptions) -> ImageStream:
    """The six files, training before testing, packed or not, of a folder or beside the one that is named.

    Ten toys of each category look alike to the labels: a list, and no grid. Raises BvaeError where a file is missing,
    cut short, or of another form.
    """
    import numpy as np

    folder = path if path.is_dir() else path.parent
    labels = np.concatenate([read_labels(folder, half) for half in HALVES])
    spec, listed = attach_labels(options.spec, list(SMALLNORB.spec.factors), labels)
    return ImageStream(spec, read_blocks(folder, spec), listed)


def read_labels(folder: Path, half: str) -> NDArray[np.int64]:
    """(images, 4): category, elevation, azimuth and lighting; the azimuth is told in steps of 10°, of which 18 are."""
    import numpy as np

    category, info = (read_integers(find_part(folder, f"{half}-{kind}")) for kind in ("cat", "info"))
    with wrap_read_errors(find_part(folder, f"{half}-info"), "SmallNORB"):
        if info.shape != (len(category), 4):
            raise ValueError(f"it is {info.shape}, not ({len(category)}, 4)")
    _, elevation, azimuth, lighting = info.T
    return np.stack([category, elevation, azimuth // 2, lighting], axis=1).astype(np.int64)


def read_blocks(folder: Path, spec: DataSpec) -> Iterator[NDArray[np.uint8]]:
    """The pictures of the left camera, packed."""
    import numpy as np

    from bvae_cli.sources.preprocessing import crop_and_resize_block

    for half in HALVES:
        path = find_part(folder, f"{half}-dat")
        with wrap_read_errors(path, "SmallNORB"), open_part(path) as file:
            kind, shape = read_header(file)
            if kind != BYTES or shape[1:] != PAIR:
                raise ValueError(f"it holds {shape}, not bytes (images, 2, 96, 96)")
            for start in range(0, shape[0], PAIRS_PER_BLOCK):
                count = min(PAIRS_PER_BLOCK, shape[0] - start)
                pairs = np.frombuffer(read_exactly(file, count * math.prod(PAIR)), dtype=np.uint8)
                yield crop_and_resize_block(pairs.reshape(count, *PAIR)[:, 0], spec)


def find_part(folder: Path, name: str) -> Path:
    """The file of a part, compressed or, where that is not there, not."""
    compressed = folder / f"{name}.mat.gz"
    return compressed if compressed.is_file() or not (folder / f"{name}.mat").is_file() else folder / f"{name}.mat"


def read_integers(path: Path) -> NDArray[np.int32]:
    """An array of integers; raises BvaeError where the file has none."""
    import numpy as np

    with wrap_read_errors(path, "SmallNORB"), open_part(path) as file:
        kind, shape = read_header(file)
        if kind != INTEGERS or math.prod(shape) > 10**6:
            raise ValueError(f"it holds {shape}, not some integers")
        return np.frombuffer(read_exactly(file, 4 * math.prod(shape)), dtype="<i4").reshape(shape)


def open_part(path: Path) -> BinaryIO:
    """A file as it is read, compressed or not."""
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def read_header(file: BinaryIO) -> tuple[int, tuple[int, ...]]:
    """What an array is of, and its shape, of which three numbers are written where it has fewer."""
    kind, dimensions = struct.unpack("<ii", read_exactly(file, 8))
    if not 1 <= dimensions <= 8:
        raise ValueError(f"it has no header: {dimensions} dimensions")
    written = max(3, dimensions)
    shape = struct.unpack(f"<{written}i", read_exactly(file, 4 * written))[:dimensions]
    if min(shape) < 0:
        raise ValueError(f"it has no header: {shape}")
    return kind, shape


def read_exactly(file: BinaryIO, count: int) -> bytes:
    """So many bytes; raises ValueError where there are fewer."""
    content = file.read(count)
    if len(content) != count:
        raise ValueError("it is cut short")
    return content


SMALLNORB = Dataset(
    spec=DataSpec(
        "smallnorb",
        channels=1,
        likelihood="bernoulli",
        factors={"category": 5, "elevation": 9, "azimuth": 18, "lighting": 6},
        num_samples=48_600,
        pixel_format="bytes",
        resample="lanczos",
    ),
    sources={
        "official": tuple(
            RemoteFile(name=f"{name}.mat.gz", urls=(f"{SITE}{name}.mat.gz",), hash=f"md5:{md5}")
            for name, md5 in HASHES.items()
        )
    },
    read=read,
    origin="LeCun et al. 2004, cs.nyu.edu/~ylclab/data/norb-v1.0-small",
    licence="research only",
)
