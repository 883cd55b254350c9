"""Selection of input images for figures: from a checkpoint's examples, a data file, or the user's own files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.datasets import DATASETS
from bvae_cli.images.in_memory import ImageSource
from bvae_cli.images.spec import SIDE, DataSpec
from bvae_cli.images.stream import open_stream
from bvae_cli.sources.archives import MAX_MEMBER_BYTES
from bvae_cli.sources.preprocessing import decode_image, open_image
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.opening import read_bytes


def select_images(
    checkpoint: Checkpoint,
    data: Path,
    indices: Sequence[int],
    conditions: Sequence[str],
    files: Sequence[Path],
    count: int,
) -> Tensor:
    """Return the requested images, or the first `count` examples, or all: (images, channels, 64, 64) in [0, 1].

    Args:
        checkpoint: contains the examples and the required size and channels.
        data: folder of the data files, read only for `indices` and `conditions`.
        indices: indices of images of the data set.
        conditions: factors of images of the data set, such as `shape=2,scale=5`.
        files: the user's own image files.
        count: number of examples if no image is requested.

    Raises:
        BvaeError: an image, factor, value or file is not found.
    """
    parts = [load_file(path, checkpoint.spec) for path in files]
    if indices or conditions:
        parts.insert(0, load_from_data(data, checkpoint.spec.name, indices, conditions))
    return torch.cat(parts) if parts else load_examples(checkpoint, count)


def load_examples(checkpoint: Checkpoint, count: int) -> Tensor:
    """Return the first `count` examples stored in a checkpoint, or all; raises BvaeError if there are none."""
    if not len(checkpoint.examples):
        raise BvaeError(
            "the checkpoint contains no images", "use --image FILE, or --index N if its data set is available."
        )
    return checkpoint.examples[:count].float() / 255


def load_from_data(data: Path, name: str, indices: Sequence[int], conditions: Sequence[str]) -> Tensor:
    """Return images of a data file, (images, channels, 64, 64) in [0, 1], selected by index and by factors."""
    images = open_stream(data, name)
    selected = [*indices, *(find_index(images, condition) for condition in conditions)]
    for index in selected:
        if not 0 <= index < len(images):
            raise BvaeError(f"image {index} not found in {name}", f"choose an index from 0 to {len(images) - 1}.")
    return images.subset(np.array(selected))[:]


def find_index(images: ImageSource, condition: str) -> int:
    """Return the index of the first image whose factors satisfy a condition such as `shape=2,scale=5`.

    In a grid, factors that the condition omits have the values of the first showcase image.
    """
    spec, requested = images.spec, {}
    for part in condition.split(","):
        name, _, value = part.partition("=")
        if name not in spec.factors:
            raise BvaeError(f"factor '{name}' not found (in '{condition}')", list_factors(spec))
        if value not in map(str, range(spec.factors[name])):
            raise BvaeError(
                f"invalid value '{value}' of factor {name}", f"choose an integer from 0 to {spec.factors[name] - 1}."
            )
        requested[name] = int(value)
    if spec.num_samples is None:
        return spec.index((default_factors(spec) | requested).values())
    columns = [list(spec.factors).index(name) for name in requested]
    matches = (images.factors(np.arange(len(images)))[:, columns] == list(requested.values())).all(axis=1)
    if not matches.any():
        raise BvaeError(f"no image with {condition} found", "specify fewer factors.")
    return int(matches.argmax())


def list_factors(spec: DataSpec) -> str:
    """Return a hint with the names of the factors of a data set."""
    if not spec.factors:
        return f"{spec.name} has no known factors; select images with --index N."
    return f"the factors are: {', '.join(spec.factors)}."


def default_factors(spec: DataSpec) -> dict[str, int]:
    """Return the factors of the first showcase image of a grid."""
    dataset = DATASETS.get(spec.name)
    values = dataset.showcase(spec.factor_sizes)[0] if dataset and dataset.showcase else [0] * len(spec.factor_sizes)
    return dict(zip(spec.factors, values, strict=True))


def load_file(path: Path, spec: DataSpec) -> Tensor:
    """Return the user's image, (1, channels, 64, 64) in [0, 1], preprocessed like the model's training data.

    Raises:
        BvaeError: the file is not found, or not a supported image.
    """
    if not path.exists():
        raise BvaeError(f"image file not found: {path}", "pass a PNG, JPEG, WebP or GIF with --image.")
    try:
        pixels = decode_image(open_image(read_bytes(path, MAX_MEMBER_BYTES)), spec)
    except ValueError as error:
        raise BvaeError(
            f"{path} is corrupt or an unsupported image: {error}", "pass a PNG, JPEG, WebP or GIF with --image."
        ) from error
    return torch.from_numpy(pixels).float().view(1, spec.channels, SIDE, SIDE) / 255
