"""Preprocessing of images: decoding, cropping, resizing, packing."""

import io
import struct
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, features

from bvae_cli.images.spec import SIDE, DataSpec

FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "PPM", "TIFF", *(["AVIF"] if features.check("avif") else [])]
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
PNG_METADATA = {b"iCCP", b"tEXt", b"zTXt", b"iTXt", b"eXIf"}  # chunks that do not change pixels
JPEG_MAGIC, JPEG_SCAN = b"\xff\xd8", 0xFFDA
JPEG_METADATA = {*range(0xFFE1, 0xFFEE), 0xFFEF, 0xFFFE}  # segments that do not change pixels, unlike 0xFFEE
UPRIGHT = {  # by the EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
MODES: dict[int, Literal["L", "RGB"]] = {1: "L", 3: "RGB"}
MAX_PIXELS = 100_000_000  # per image
DRAFT_SIDE = 4 * SIDE  # pixels; a JPEG is decoded at a reduced size of at least this


def open_image(content: bytes) -> Image.Image:
    """Return an image file of which only the header is read; raises ValueError if it is invalid or too large."""
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Exception as error:  # Pillow raises errors of any type for an invalid file
        if len(pixels := without_metadata(content)) < len(content):
            return open_image(pixels)
        raise ValueError("it is not a supported image") from error
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"it has {image.width} × {image.height} pixels; the maximum is {MAX_PIXELS:,}")
    return image


def decode_image(image: Image.Image, spec: DataSpec) -> NDArray[np.uint8]:
    """Return an open image, (bytes,), upright, on white, cropped and resized; raises ValueError if it is corrupt."""
    try:
        if not spec.center_crop:
            image.draft(None, (DRAFT_SIDE, DRAFT_SIDE))
        return crop_and_resize(flatten_on_white(rotate_upright(image)), spec)
    except Exception as error:
        raise ValueError(" ".join(str(error).split()) or "it is corrupt") from error


def without_metadata(content: bytes) -> bytes:
    """Return a PNG or JPEG file without texts, EXIF data and colour profile, which Pillow refuses if they are odd."""
    if content.startswith(PNG_MAGIC):
        return PNG_MAGIC + b"".join(chunk for kind, chunk in png_chunks(content) if kind not in PNG_METADATA)
    if content.startswith(JPEG_MAGIC):
        return JPEG_MAGIC + b"".join(part for marker, part in jpeg_segments(content) if marker not in JPEG_METADATA)
    return content


def png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of a PNG file, each with its kind."""
    start = len(PNG_MAGIC)
    while start + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, start)
        end = start + 12 + length
        yield kind, content[start:end]
        start = end


def jpeg_segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the segments of a JPEG file, each with its marker; the last one has all pixels."""
    start = len(JPEG_MAGIC)
    while start + 4 <= len(content):
        marker, length = struct.unpack_from(">HH", content, start)
        end = len(content) if marker == JPEG_SCAN else start + 2 + length
        yield marker, content[start:end]
        start = end


def rotate_upright(image: Image.Image) -> Image.Image:
    """Return an image rotated and mirrored as its EXIF orientation states; unreadable EXIF data is ignored."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # Pillow raises errors of any type for corrupt metadata; the pixels may be sound
        return image
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def flatten_on_white(image: Image.Image) -> Image.Image:
    """Return the image with eight bits per channel, and transparent areas filled with white."""
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers")
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
