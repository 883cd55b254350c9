"""Validation of parameter values, with messages that state the allowed values."""

import difflib
import math
from collections.abc import Iterable
from typing import Any


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
            raise ValueError(f"{key} must be at most {maximum}, not {value}")


def require_one_of(key: str, value: Any, choices: Iterable[str]) -> None:
    """Raise ValueError, with the nearest choice and the list of all choices, if a value is not among them."""
    choices = list(choices)
    if value not in choices:
        raise ValueError(
            f"{key} cannot be {value!r}{suggest_nearest(value, choices)} Allowed values: {', '.join(choices)}."
        )


def suggest_nearest(name: Any, choices: Iterable[str], prefix: str = "") -> str:
    """Return the end of a message about an unknown name: the most similar choice, if any, as a question."""
    close = difflib.get_close_matches(str(name), list(choices), n=1)
    return f"; did you mean {prefix}{close[0]}?" if close else "."
