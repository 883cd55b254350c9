"""How objectives move their knobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Knobs: TypeAlias = "Mapping[str, float | Tensor]"
"""The knobs that an objective turns, at a step; scalars on the device where training runs."""


def linear(start: float, end: float, step: int, steps: int) -> float:
    """The value at `step` of a line from `start` to `end` over `steps` steps, held at `end` from then on."""
    if step >= steps:
        return end
    return start + (end - start) * step / steps
