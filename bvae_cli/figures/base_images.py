"""The images that pictures start from: a checkpoint's examples, a data file's, or the user's own."""

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
from bvae_cli.sources.preprocessing import decode_image
from bvae_cli.system.errors import BvaeError


def select_images(
    checkpoint: Checkpoint,
    data: Path,
    indices: Sequence[int],
    conditions: Sequence[str],
    files: Sequence[Path],
    count: int,
) -> Tensor:
    """The images that are asked for, or the first `count` examples: (images, channels, 64, 64) in [0, 1].

    Args:
        checkpoint: carries the examples, and says what the images have to be like.
        data: the folder of the data files, read only where an index or a wish asks for it.
        indices: numbers of images of the data set.
        conditions: images by factors, like `shape=2,scale=5`.
        files: the user's own pictures.
        count: of examples, where nothing is asked for.

    Raises:
        BvaeError: there is no such image, factor, value, or file.
    """
    parts = [load_file(path, checkpoint.spec) for path in files]
    if indices or conditions:
        parts.insert(0, load_from_data(data, checkpoint.spec.name, indices, conditions))
    return torch.cat(parts) if parts else load_examples(checkpoint, count)


def load_examples(checkpoint: Checkpoint, count: int) -> Tensor:
    """The first examples that a checkpoint carries; raises BvaeError where there are fewer."""
    there = len(checkpoint.examples)
    if not there:
        raise BvaeError("the checkpoint carries no images", "name some: --image FILE, or --index N where its data is.")
    if count > there:
        raise BvaeError(f"{count} images are more than the {there} that the checkpoint carries", "choose by --index.")
    return checkpoint.examples[:count].float() / 255


def load_from_data(data: Path, name: str, indices: Sequence[int], conditions: Sequence[str]) -> Tensor:
    """Images of a data file, (images, channels, 64, 64) in [0, 1], by number and by factors."""
    images = open_stream(data, name)
    wanted = [*indices, *(find_index(images, condition) for condition in conditions)]
    for index in wanted:
        if not 0 <= index < len(images):
            raise BvaeError(f"there is no image {index}", f"{name} has images 0 to {len(images) - 1}.")
    return images.subset(np.array(wanted))[:]


def find_index(images: ImageSource, condition: str) -> int:
    """The number of the image that a wish names; of a list the first that is so.

    In a grid, factors that are left out are as in the first image that is shown.
    """
    spec, wanted = images.spec, {}
    for part in condition.split(","):
        name, _, value = part.partition("=")
        if name not in spec.factors:
            raise BvaeError(f"there is no factor '{name}' in '{condition}'", list_factors(spec))
        if value not in map(str, range(spec.factors[name])):
            raise BvaeError(f"{name} cannot be '{value}'", f"it is a number from 0 to {spec.factors[name] - 1}.")
        wanted[name] = int(value)
    if spec.num_samples is None:
        return spec.index((default_factors(spec) | wanted).values())
    columns = [list(spec.factors).index(name) for name in wanted]
    matches = (images.factors(np.arange(len(images)))[:, columns] == list(wanted.values())).all(axis=1)
    if not matches.any():
        raise BvaeError(f"there is no image with {condition}", "name fewer factors.")
    return int(matches.argmax())


def list_factors(spec: DataSpec) -> str:
    """Which factors a data set has."""
    return f"there are: {', '.join(spec.factors)}." if spec.factors else f"{spec.name} has none: take --index."


def default_factors(spec: DataSpec) -> dict[str, int]:
    """The factors of the image of a grid that is shown first."""
    entry = DATASETS.get(spec.name)
    values = entry.showcase(spec.factor_sizes)[0] if entry and entry.showcase else [0] * len(spec.factor_sizes)
    return dict(zip(spec.factors, values, strict=True))


def load_file(path: Path, spec: DataSpec) -> Tensor:
    """The user's own picture, (1, channels, 64, 64) in [0, 1], brought to the model's size and colours as its data was.

    Raises:
        BvaeError: it is missing, or no picture.
    """
    if not path.is_file():
        raise BvaeError(f"there is no picture {path}", "name a PNG, JPEG, WebP or GIF.")
    try:
        pixels = decode_image(path.read_bytes(), spec)
    except ValueError as error:
        raise BvaeError(f"{path} is no picture that can be read", "name a PNG, JPEG, WebP or GIF.") from error
    return torch.from_numpy(pixels).float().view(1, spec.channels, SIDE, SIDE) / 255
