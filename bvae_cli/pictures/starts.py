"""The images that pictures start from: a checkpoint's examples, a data file's, or the user's own."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.datasets import DATASETS
from bvae_cli.datasets.images import load
from bvae_cli.datasets.spec import SIDE, DataSpec
from bvae_cli.system.errors import BvaeError


def choose(
    checkpoint: Checkpoint,
    data: Path,
    indices: Sequence[int],
    wishes: Sequence[str],
    files: Sequence[Path],
    count: int,
) -> Tensor:
    """The images that are asked for, or the first `count` examples: (images, channels, 64, 64) in [0, 1].

    Args:
        checkpoint: carries the examples, and says what the images have to be like.
        data: the folder of the data files, read only where an index or a wish asks for it.
        indices: numbers of images of the data set.
        wishes: images by factors, like `shape=2,scale=5`.
        files: the user's own pictures.
        count: of examples, where nothing is asked for.

    Raises:
        BvaeError: there is no such image, factor, value, or file.
    """
    parts = [from_file(path, checkpoint.spec) for path in files]
    if indices or wishes:
        parts.insert(0, from_data(data, checkpoint.spec.name, indices, wishes))
    return torch.cat(parts) if parts else examples(checkpoint, count)


def examples(checkpoint: Checkpoint, count: int) -> Tensor:
    """The first examples that a checkpoint carries; raises BvaeError where there are fewer."""
    there = len(checkpoint.examples)
    if not there:
        raise BvaeError(
            "the checkpoint carries no images", "name some: --picture FILE, or --index N where its data is."
        )
    if count > there:
        raise BvaeError(f"{count} images are more than the {there} that the checkpoint carries", "choose by --index.")
    return checkpoint.examples[:count].float() / 255


def from_data(data: Path, name: str, indices: Sequence[int], wishes: Sequence[str]) -> Tensor:
    """Images of a data file, (images, channels, 64, 64) in [0, 1], by number and by factors."""
    images = load(data, name)
    wanted = [*indices, *(index_of(images.spec, wish) for wish in wishes)]
    for index in wanted:
        if not 0 <= index < len(images):
            raise BvaeError(f"there is no image {index}", f"{name} has images 0 to {len(images) - 1}.")
    return images[torch.tensor(wanted)]


def index_of(spec: DataSpec, wish: str) -> int:
    """The number of the image that a wish names; factors left out are as in the first image shown."""
    factors = dict(zip(spec.factors, DATASETS[spec.name].showcase(spec.grid)[0], strict=True))
    for part in wish.split(","):
        name, _, value = part.partition("=")
        if name not in factors:
            raise BvaeError(f"there is no factor '{name}' in '{wish}'", f"there are: {', '.join(factors)}.")
        if value not in map(str, range(spec.factors[name])):
            raise BvaeError(f"{name} cannot be '{value}'", f"it is a number from 0 to {spec.factors[name] - 1}.")
        factors[name] = int(value)
    return spec.index(factors.values())


def from_file(path: Path, spec: DataSpec) -> Tensor:
    """The user's own picture, (1, channels, 64, 64) in [0, 1], brought to the model's size and colours.

    Raises:
        BvaeError: it is missing, or no picture.
    """
    if not path.is_file():
        raise BvaeError(f"there is no picture {path}", "name a PNG, JPEG or GIF.")
    try:
        with warnings.catch_warnings(action="error"), Image.open(path) as picture:
            fitted = picture.convert("L" if spec.channels == 1 else "RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
    except Exception as error:  # Pillow's readers raise of all kinds
        raise BvaeError(f"{path} is no picture that can be read", "name a PNG, JPEG or GIF.") from error
    pixels = torch.from_numpy(np.array(fitted)).float() / 255
    return pixels.view(1, SIDE, SIDE, spec.channels).movedim(-1, 1)
