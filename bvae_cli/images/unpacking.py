"""Unpacking of packed images into network inputs, one batch at a time, on the images' device."""

from collections.abc import Callable

import torch
from torch import Tensor

from bvae_cli.images.spec import INDEX_BYTES, SIDE, DataSpec

RANDOM_LEVELS = 2**24  # number of distinct random values; float32 represents all of them exactly


def unpack_images(packed: Tensor, spec: DataSpec) -> Tensor:
    """Return packed images, (batch, bytes) uint8, as (batch, channels, 64, 64) float32 in [0, 1]."""
    return UNPACKERS[spec.pixel_format](packed).view(-1, spec.channels, SIDE, SIDE)


def unpack_bits(packed: Tensor) -> Tensor:
    """Return the pixels of each byte, (batch, bytes, 8), 0 or 1, with the most significant bit first."""
    shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=packed.device)
    return (packed[..., None] >> shifts & 1).float()


def bytes_to_unit_range(packed: Tensor) -> Tensor:
    """Return pixel values, (batch, bytes), scaled from 0–255 to [0, 1]."""
    return packed.float() / 255


def add_random_color(packed: Tensor) -> Tensor:
    """Return sprites, (batch, 3, pixels), in one colour each, uniform in [½, 1] (Locatello et al. 2019, appendix)."""
    sprite, index = split_index(packed)
    return sprite * (1 + hash_to_uniform(index, 3)[..., None]) / 2


def add_random_noise(packed: Tensor) -> Tensor:
    """Return white sprites, (batch, 3, pixels), on noise uniform in [0, 1] (Locatello et al. 2019, appendix)."""
    sprite, index = split_index(packed)
    return (sprite + hash_to_uniform(index, 3 * SIDE * SIDE).view(-1, 3, SIDE * SIDE)).clamp(max=1)


def split_index(packed: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sprites, (batch, 1, pixels), 0 or 1, and the image indices, (batch,) int32."""
    sprite, index_bytes = packed[:, :-INDEX_BYTES], packed[:, -INDEX_BYTES:].int()
    shifts = torch.arange(0, 8 * INDEX_BYTES, 8, dtype=torch.int32, device=packed.device)
    return unpack_bits(sprite).flatten(1)[:, None], (index_bytes << shifts).sum(dim=1, dtype=torch.int32)


def hash_to_uniform(seeds: Tensor, count: int) -> Tensor:
    """Return numbers in [0, 1), (batch, count), that depend only on the seeds, (batch,) int32, not on the device."""
    offsets = torch.arange(count, dtype=torch.int32, device=seeds.device) * -1640531527  # 2³² / φ, as int32
    hashed = hash_int32(hash_int32(seeds)[:, None] ^ offsets)
    return (hashed >> 8 & RANDOM_LEVELS - 1).float() / RANDOM_LEVELS


def hash_int32(x: Tensor) -> Tensor:
    """Return a bijective hash of int32 values (C. Wellons, "Prospecting for hash functions", 2018)."""
    x = (x ^ x >> 16 & 0xFFFF) * 0x7FEB352D
    x = (x ^ x >> 15 & 0x1FFFF) * -0x7B935975
    return x ^ x >> 16 & 0xFFFF


UNPACKERS: dict[str, Callable[[Tensor], Tensor]] = {
    "bits": unpack_bits,
    "bytes": bytes_to_unit_range,
    "coloured": add_random_color,
    "noisy": add_random_noise,
}
