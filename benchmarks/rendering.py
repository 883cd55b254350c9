"""How fast dSprites is drawn: ours, a whole block at once, against Pillow's polygons, one by one."""

import time
from itertools import islice, product

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bvae_cli.datasets.dsprites_rendering import ORIENTATIONS, POSITIONS, SCALES, SHAPES, render_sprites, rotate
from bvae_cli.images.spec import SIDE

SAMPLE = 5_000  # pictures that Pillow draws


def pillow() -> list[NDArray[np.bool_]]:
    """Some pictures from all over the data set, by Pillow."""
    values = list(product(SHAPES, SCALES, ORIENTATIONS, POSITIONS, POSITIONS))
    pictures = []
    for shape, scale, angle, x, y in islice(values, 0, None, len(values) // SAMPLE):
        page = Image.new("1", (SIDE, SIDE))
        corners = rotate(scale * shape(), angle) + np.array([x, y]) - 0.5
        ImageDraw.Draw(page).polygon([tuple(corner) for corner in corners], fill=1)
        pictures.append(np.asarray(page))
    return pictures


def main() -> None:
    """Print pictures a second of both, and their ratio."""
    start = time.perf_counter()
    ours = np.concatenate(list(render_sprites()))
    our_rate = len(ours) / (time.perf_counter() - start)
    start = time.perf_counter()
    theirs = pillow()
    their_rate = len(theirs) / (time.perf_counter() - start)
    drawn = np.unpackbits(ours[:: len(ours) // SAMPLE], axis=1).reshape(-1, SIDE, SIDE)
    wrong = np.mean([np.count_nonzero(one != other) for one, other in zip(drawn, theirs, strict=True)])
    print(f"ours    {our_rate:12,.0f} pictures a second")
    print(f"Pillow  {their_rate:12,.0f} pictures a second, {wrong:.0f} pixels a picture otherwise")
    print(f"ratio   {our_rate / their_rate:12.1f}")


if __name__ == "__main__":
    main()
