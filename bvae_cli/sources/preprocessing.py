"""Preprocessing of images: decoding, cropping, resizing, packing."""

import io
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from bvae_cli.images.spec import SIDE, DataSpec

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
MODES: dict[int, Literal["L", "RGB"]] = {1: "L", 3: "RGB"}
MAX_PIXELS = 100_000_000  # per image
DRAFT_SIDE = 4 * SIDE  # pixels; a JPEG is decoded at a reduced size of at least this


def open_image(content: bytes) -> Image.Image:
    """Return an image file of which only the header is read; raises ValueError if it is invalid or too large."""
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Exception as error:  # Pillow raises errors of any type for an invalid file
        raise ValueError("it is not a supported image") from error
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"it has {image.width} × {image.height} pixels; the maximum is {MAX_PIXELS:,}")
    return image


def decode_image(content: bytes, spec: DataSpec) -> NDArray[np.uint8]:
    """Return an image file, (bytes,), upright, on white, cropped and resized; raises ValueError if it is corrupt."""
    image = open_image(content)
    try:
        if not spec.center_crop:
            image.draft(None, (DRAFT_SIDE, DRAFT_SIDE))
        return crop_and_resize(flatten_on_white(ImageOps.exif_transpose(image)), spec)
    except Exception as error:
        raise ValueError(" ".join(str(error).split()) or "it is corrupt") from error


def flatten_on_white(image: Image.Image) -> Image.Image:
    """Return the image with eight bits per channel, and transparent areas filled with white."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)


def crop_and_resize(image: Image.Image, spec: DataSpec) -> NDArray[np.uint8]:
    """Return an image, (bytes,), cropped, converted to the spec's channels and resized, one channel after the other."""
    if spec.center_crop:
        side = min(spec.center_crop, *image.size)
        left, top = ((length - side) // 2 for length in image.size)
        image = image.crop((left, top, left + side, top + side))
    resized = image.convert(MODES[spec.channels]).resize((SIDE, SIDE), Image.Resampling[spec.resample.upper()])
    return np.moveaxis(np.array(resized).reshape(SIDE, SIDE, spec.channels), -1, 0).reshape(-1)


def crop_and_resize_block(pixels: NDArray[np.uint8], spec: DataSpec) -> NDArray[np.uint8]:
    """Return packed images, (images, bytes), of pixels, (images, height, width) or (images, height, width, 3)."""
    if pixels.shape[1:] == (SIDE, SIDE, spec.channels) and (not spec.center_crop or spec.center_crop >= SIDE):
        return np.ascontiguousarray(np.moveaxis(pixels, -1, 1)).reshape(len(pixels), -1)
    return np.stack([crop_and_resize(Image.fromarray(image), spec) for image in pixels])
