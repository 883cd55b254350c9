"""SmallNORB (LeCun et al. 2004): 48,600 grey stereo photographs of toys; only the left images are used."""

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
from bvae_cli.system.opening import open_regular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UINT8_MAGIC, INT32_MAGIC = 0x1E3D4C55, 0x1E3D4C54  # the first number of a file identifies the dtype of its array
PAIR_SHAPE = (2, 96, 96)  # cameras, height and width
MAX_BYTES = 2**33  # of a file
PAIRS_PER_BLOCK = 256  # stereo pairs read at a time
BASE_URL = "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/"
SPLITS = ("smallnorb-5x46789x9x18x6x2x96x96-training", "smallnorb-5x01235x9x18x6x2x96x96-testing")
MD5 = {
    f"{SPLITS[0]}-dat": "66054832f9accfe74a0f4c36a75bc0a2",
    f"{SPLITS[0]}-cat": "23c8b86101fbf0904a000b43d3ed2fd9",
    f"{SPLITS[0]}-info": "51dee1210a742582ff607dfd94e332e3",
    f"{SPLITS[1]}-dat": "e4ad715691ed5a3a5f138751a4ceb071",
    f"{SPLITS[1]}-cat": "5aa791cd7e6016cf957ce9bdb93b8603",
    f"{SPLITS[1]}-info": "a9454f3864d7fd4bb3ea7fc3eb84924e",
}


def read(path: Path, options: ReadOptions) -> ImageStream:
    """Return the images of the six files, training before testing, gzipped or not, in one folder.

    The labels do not distinguish the ten toys of a category, so they do not form a grid.

    Raises:
        BvaeError: a file is missing, truncated, or of another format.
    """
    import numpy as np

    folder = path if path.is_dir() else path.parent
    labels = np.concatenate([read_labels(folder, split) for split in SPLITS])
    spec, list_labels = attach_labels(options.spec, list(SMALLNORB.spec.factors), labels)
    return ImageStream(spec, read_blocks(folder, spec), list_labels)


def read_labels(folder: Path, split: str) -> NDArray[np.int64]:
    """Return the labels, (images, 4): category, elevation, azimuth and lighting.

    The files state the azimuth in steps of 10°, of which only every second occurs.
    """
    import numpy as np

    category, info = (read_integers(find_part(folder, f"{split}-{part}")) for part in ("cat", "info"))
    with wrap_read_errors(find_part(folder, f"{split}-info"), "SmallNORB"):
        if info.shape != (len(category), 4):
            raise ValueError(f"its shape is {info.shape}, not ({len(category)}, 4)")
    _, elevation, azimuth, lighting = info.T
    return np.stack([category, elevation, azimuth // 2, lighting], axis=1).astype(np.int64)


def read_blocks(folder: Path, spec: DataSpec) -> Iterator[NDArray[np.uint8]]:
    """Yield the packed images of the left camera."""
    import numpy as np

    from bvae_cli.sources.preprocessing import crop_and_resize_block

    for split in SPLITS:
        path = find_part(folder, f"{split}-dat")
        with wrap_read_errors(path, "SmallNORB"), open_part(path) as file:
            magic, shape = read_header(file)
            if magic != UINT8_MAGIC or shape[1:] != PAIR_SHAPE:
                raise ValueError(f"it contains an array of shape {shape}, not uint8 (images, 2, 96, 96)")
            for start in range(0, shape[0], PAIRS_PER_BLOCK):
                count = min(PAIRS_PER_BLOCK, shape[0] - start)
                pairs = np.frombuffer(read_exactly(file, count * math.prod(PAIR_SHAPE)), dtype=np.uint8)
                yield crop_and_resize_block(pairs.reshape(count, *PAIR_SHAPE)[:, 0], spec)


def find_part(folder: Path, name: str) -> Path:
    """Return the path of a file, gzipped if it exists or if neither version exists, else uncompressed."""
    compressed = folder / f"{name}.mat.gz"
    return compressed if compressed.is_file() or not (folder / f"{name}.mat").is_file() else folder / f"{name}.mat"


def is_part(name: str) -> bool:
    """Return whether a file is one of the six, gzipped or not."""
    return name.removesuffix(".gz").removesuffix(".mat") in MD5


def read_integers(path: Path) -> NDArray[np.int32]:
    """Return the int32 array in a file; raises BvaeError if it contains another type or is too large."""
    import numpy as np

    with wrap_read_errors(path, "SmallNORB"), open_part(path) as file:
        magic, shape = read_header(file)
        if magic != INT32_MAGIC or math.prod(shape) > 10**6:
            raise ValueError(f"it contains an array of shape {shape}, not at most a million integers")
        return np.frombuffer(read_exactly(file, 4 * math.prod(shape)), dtype="<i4").reshape(shape)


def open_part(path: Path) -> BinaryIO:
    """Open a file, decompressing it if it is gzipped."""
    file = open_regular(path, MAX_BYTES)
    return gzip.open(file) if path.suffix == ".gz" else file  # type: ignore[return-value]


def read_header(file: BinaryIO) -> tuple[int, tuple[int, ...]]:
    """Return the magic number and the shape of an array; files store at least three dimensions, padded with 1."""
    magic, dimensions = struct.unpack("<ii", read_exactly(file, 8))
    if not 1 <= dimensions <= 8:
        raise ValueError(f"its header is invalid: {dimensions} dimensions")
    stored = max(3, dimensions)
    shape = struct.unpack(f"<{stored}i", read_exactly(file, 4 * stored))[:dimensions]
    if min(shape) < 0:
        raise ValueError(f"its header is invalid: shape {shape}")
    return magic, shape


def read_exactly(file: BinaryIO, count: int) -> bytes:
    """Return exactly `count` bytes; raises ValueError if there are fewer."""
    content = file.read(count)
    if len(content) != count:
        raise ValueError("it is truncated")
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
            RemoteFile(name=f"{name}.mat.gz", urls=(f"{BASE_URL}{name}.mat.gz",), hash=f"md5:{md5}")
            for name, md5 in MD5.items()
        )
    },
    read=read,
    is_read=is_part,
    origin="LeCun et al. 2004, cs.nyu.edu/~ylclab/data/norb-v1.0-small",
    licence="research only",
)
