"""Packed pictures as a net takes them, a batch at a time, where they lie."""

from collections.abc import Callable

import torch
from torch import Tensor

from bvae_cli.images.spec import INDEX_BYTES, SIDE, DataSpec

LEVELS = 2**24  # that a drawn number has, all of which a float32 tells apart


def unpack_images(packed: Tensor, spec: DataSpec) -> Tensor:
    """(batch, bytes) uint8 as (batch, channels, 64, 64) float32 in [0, 1]."""
    return UNPACKERS[spec.pixel_format](packed).view(-1, spec.channels, SIDE, SIDE)


def unpack_bits(packed: Tensor) -> Tensor:
    """(batch, bytes, 8): the pixels of each byte, 0 or 1, the first in its highest place."""
    places = torch.arange(7, -1, -1, dtype=torch.uint8, device=packed.device)
    return (packed[..., None] >> places & 1).float()


def bytes_to_unit_range(packed: Tensor) -> Tensor:
    """(batch, bytes): a pixel of a channel each, 0 to 1."""
    return packed.float() / 255


def add_random_color(packed: Tensor) -> Tensor:
    """(batch, 3, pixels): sprites, each of one colour, uniform in [½, 1] (Locatello et al. 2019, appendix)."""
    sprite, number = split_index(packed)
    return sprite * (1 + hash_to_uniform(number, 3)[..., None]) / 2


def add_random_noise(packed: Tensor) -> Tensor:
    """(batch, 3, pixels): white sprites on noise uniform in [0, 1] (Locatello et al. 2019, appendix)."""
    sprite, number = split_index(packed)
    return (sprite + hash_to_uniform(number, 3 * SIDE * SIDE).view(-1, 3, SIDE * SIDE)).clamp(max=1)


def split_index(packed: Tensor) -> tuple[Tensor, Tensor]:
    """(batch, 1, pixels) sprites, 0 or 1, and (batch,) int32 numbers of the pictures."""
    sprite, number = packed[:, :-INDEX_BYTES], packed[:, -INDEX_BYTES:].int()
    places = torch.arange(0, 8 * INDEX_BYTES, 8, dtype=torch.int32, device=packed.device)
    return unpack_bits(sprite).flatten(1)[:, None], (number << places).sum(dim=1, dtype=torch.int32)


def hash_to_uniform(numbers: Tensor, count: int) -> Tensor:
    """(batch, count) in [0, 1), of which (batch,) int32 numbers alone decide, on any device."""
    places = torch.arange(count, dtype=torch.int32, device=numbers.device) * -1640531527  # 2³² over the golden ratio
    mixed_up = hash_int32(hash_int32(numbers)[:, None] ^ places)
    return (mixed_up >> 8 & LEVELS - 1).float() / LEVELS


def hash_int32(x: Tensor) -> Tensor:
    """A one-to-one map of int32 that looks like chance (C. Wellons, "Prospecting for hash functions", 2018)."""
    x = (x ^ x >> 16 & 0xFFFF) * 0x7FEB352D
    x = (x ^ x >> 15 & 0x1FFFF) * -0x7B935975
    return x ^ x >> 16 & 0xFFFF


UNPACKERS: dict[str, Callable[[Tensor], Tensor]] = {
    "bits": unpack_bits,
    "bytes": bytes_to_unit_range,
    "coloured": add_random_color,
    "noisy": add_random_noise,
}
