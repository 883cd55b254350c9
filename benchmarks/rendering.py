"""Rendering speed of dSprites: bvae's rasteriser, one block at a time, against Pillow's polygons, one at a time."""

import time
from itertools import islice, product

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bvae_cli.datasets.dsprites_rendering import ORIENTATIONS, POSITIONS, SCALES, SHAPES, render_sprites, rotate
from bvae_cli.images.spec import SIDE

PILLOW_IMAGES = 5_000  # a sample of the data set


def render_with_pillow() -> list[NDArray[np.bool_]]:
    """Return a sample of images from the whole data set, rendered by Pillow."""
    values = list(product(SHAPES, SCALES, ORIENTATIONS, POSITIONS, POSITIONS))
    images = []
    for shape, scale, angle, x, y in islice(values, 0, None, len(values) // PILLOW_IMAGES):
        page = Image.new("1", (SIDE, SIDE))
        corners = rotate(scale * shape(), angle) + np.array([x, y]) - 0.5
        ImageDraw.Draw(page).polygon([tuple(corner) for corner in corners], fill=1)
        images.append(np.asarray(page))
    return images


def main() -> None:
    """Print the speed of both, in images per second, their ratio, and the number of differing pixels."""
    start = time.perf_counter()
    bvae_images = np.concatenate(list(render_sprites()))
    bvae_speed = len(bvae_images) / (time.perf_counter() - start)
    start = time.perf_counter()
    pillow_images = render_with_pillow()
    pillow_speed = len(pillow_images) / (time.perf_counter() - start)
    sample = np.unpackbits(bvae_images[:: len(bvae_images) // PILLOW_IMAGES], axis=1).reshape(-1, SIDE, SIDE)
    differing = np.mean([np.count_nonzero(one != other) for one, other in zip(sample, pillow_images, strict=True)])
    print(f"bvae    {bvae_speed:12,.0f} images per second")
    print(f"Pillow  {pillow_speed:12,.0f} images per second; {differing:.0f} pixels per image differ")
    print(f"ratio   {bvae_speed / pillow_speed:12.1f}")


if __name__ == "__main__":
    main()
