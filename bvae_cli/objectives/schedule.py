"""How objectives move their knobs."""


def linear(start: float, end: float, step: int, steps: int) -> float:
    """The value at `step` of a line from `start` to `end` over `steps` steps, held at `end` from then on."""
    if step >= steps:
        return end
    return start + (end - start) * step / steps
