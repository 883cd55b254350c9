"""A picture brought to the form that it is kept in."""

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bvae_cli.images.spec import SIDE, DataSpec

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
MODES: dict[int, Literal["L", "RGB"]] = {1: "L", 3: "RGB"}
MAX_PIXELS = 100_000_000  # pixels of a picture
DRAFT_SIDE = 4 * SIDE  # pixels a side, from which on a JPEG need not be decoded in full


def open_image(content: bytes) -> Image.Image:
    """A picture file of which the header alone is read; raises ValueError where it is none, or too large."""
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
    except Exception as error:  # Pillow's readers raise of all kinds
        raise ValueError("it is no picture") from error
    if picture.width * picture.height > MAX_PIXELS:
        raise ValueError(f"it has {picture.width} × {picture.height} pixels")
    return picture


def decode_image(content: bytes, spec: DataSpec) -> NDArray[np.uint8]:
    """(bytes,): a picture file upright, on white, cropped and resized; raises ValueError where it cannot be read."""
    picture = open_image(content)
    try:
        if not spec.center_crop:
            picture.draft(None, (DRAFT_SIDE, DRAFT_SIDE))
        return crop_and_resize(flatten_on_white(ImageOps.exif_transpose(picture)), spec)
    except Exception as error:
        raise ValueError(" ".join(str(error).split()) or "it is damaged") from error


def flatten_on_white(picture: Image.Image) -> Image.Image:
    """The same in eight bits a channel, and white where it is transparent."""
    if picture.mode.startswith("I"):
        return Image.fromarray((np.asarray(picture) / 257).round().astype(np.uint8))
    if "A" not in picture.getbands() and "transparency" not in picture.info:
        return picture
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)


def crop_and_resize(picture: Image.Image, spec: DataSpec) -> NDArray[np.uint8]:
    """(bytes,): a picture cropped, in the colours and of the size that are wanted, channel by channel."""
    if spec.center_crop:
        side = min(spec.center_crop, *picture.size)
        left, top = ((length - side) // 2 for length in picture.size)
        picture = picture.crop((left, top, left + side, top + side))
    small = picture.convert(MODES[spec.channels]).resize((SIDE, SIDE), Image.Resampling[spec.resample.upper()])
    return np.moveaxis(np.array(small).reshape(SIDE, SIDE, spec.channels), -1, 0).reshape(-1)


def crop_and_resize_block(pixels: NDArray[np.uint8], spec: DataSpec) -> NDArray[np.uint8]:
    """(images, bytes): (images, height, width) greys or (images, height, width, 3) colours brought to their form."""
    if pixels.shape[1:] == (SIDE, SIDE, spec.channels) and (not spec.center_crop or spec.center_crop >= SIDE):
        return np.ascontiguousarray(np.moveaxis(pixels, -1, 1)).reshape(len(pixels), -1)
    return np.stack([crop_and_resize(Image.fromarray(picture), spec) for picture in pixels])
