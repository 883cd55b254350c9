"""Images in memory."""

import numpy as np
import torch

from bvae_cli.images.in_memory import Images
from bvae_cli.images.spec import DataSpec

SPEC = DataSpec("toy", 1, "bernoulli", {"row": 2, "column": 3})
PACKED = np.random.default_rng(0).integers(256, size=(6, 512), dtype=np.uint8)
IMAGES = Images(SPEC, torch.from_numpy(PACKED))


def test_images_are_unpacked_row_by_row() -> None:
    pixels = IMAGES[torch.tensor([4, 1])]
    assert pixels.shape == (2, 1, 64, 64)
    assert np.array_equal(pixels.numpy().reshape(2, -1), np.unpackbits(PACKED[[4, 1]], axis=1))


def test_index_and_factors_are_inverse_to_each_other() -> None:
    factors = IMAGES.factors(np.arange(6))
    assert factors.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    assert [SPEC.index(row) for row in factors.tolist()] == list(range(6))
