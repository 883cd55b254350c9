"""What the knobs of objectives have in common."""

from typing import Any


def linear(start: float, end: float, step: int, steps: int) -> float:
    """The value at `step` of a line from `start` to `end` over `steps` steps, held at `end` from then on."""
    if step >= steps:
        return end
    return start + (end - start) * step / steps


def not_negative(objective: Any, *knobs: str) -> None:
    """Raise ValueError, naming the knob, where one that is set is below zero or no number."""
    for knob in knobs:
        value = getattr(objective, knob)
        if value is not None and not 0 <= value < float("inf"):
            raise ValueError(f"{knob} must be a number of at least 0, not {value:g}")
