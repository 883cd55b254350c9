"""Validation of parameter values, with messages that state the allowed values."""

import difflib
import math
from collections.abc import Iterable
from typing import Any

MAX_FLOAT32 = 3.4028234663852886e38  # the largest number of the networks' arithmetic


def require_float32(number: float) -> float:
    """Return a number; raises ValueError if float32 has no number of this size. NaN and infinity pass."""
    if MAX_FLOAT32 < abs(number) < math.inf:
        raise ValueError(f"cannot be {number:g}: numbers must be between -3.4e38 and 3.4e38")
    return number


def require_at_least(owner: Any, minimum: float, *keys: str) -> None:
    """Raise ValueError, naming the key, if an attribute is below the minimum, infinite or NaN.

    For a schedule, every point is checked.
    """
    for key in keys:
        value = getattr(owner, key)
        for step, number in value if isinstance(value, tuple) else [(None, value)]:
            if not minimum <= number < math.inf:
                at_step = "" if step is None else f" at step {step}"
                raise ValueError(f"{key} must be at least {minimum:g}, not {number:g}{at_step}")


def require_at_most(owner: Any, maximum: int, *keys: str) -> None:
    """Raise ValueError, naming the key, if an attribute is above the maximum."""
    for key in keys:
        value = getattr(owner, key)
        if value > maximum:
            raise ValueError(f"{key} must be at most {maximum}, not {shorten(str(value))}")


def shorten(text: str, max_length: int = 80) -> str:
    """Return a text, or its beginning and an ellipsis if it is longer than `max_length` characters."""
    return text if len(text) <= max_length else text[: max_length - 1] + "…"


def require_one_of(key: str, value: Any, choices: Iterable[str]) -> None:
    """Raise ValueError, with the nearest choice and the list of all choices, if a value is not among them."""
    choices = list(choices)
    if value not in choices:
        given, nearest = shorten(repr(value)), suggest_nearest(value, choices)
        raise ValueError(f"{key} cannot be {given}{nearest} Allowed values: {', '.join(choices)}.")


def suggest_nearest(name: Any, choices: Iterable[str], prefix: str = "") -> str:
    """Return the end of a message about an unknown name: the most similar choice, if any, as a question."""
    close = difflib.get_close_matches(shorten(str(name)), list(choices), n=1)
    return f"; did you mean {prefix}{close[0]}?" if close else "."
