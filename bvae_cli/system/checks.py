"""Refusals that say what would be right."""

import difflib
import math
from collections.abc import Iterable
from typing import Any


def require_at_least(owner: Any, minimum: float, *keys: str) -> None:
    """Raise ValueError, naming the key, where an attribute is below the minimum or no finite number.

    Of an attribute that is a path over steps, each point is looked at.
    """
    for key in keys:
        value = getattr(owner, key)
        for step, number in value if isinstance(value, tuple) else [(None, value)]:
            if not minimum <= number < math.inf:
                where = "" if step is None else f" at step {step}"
                raise ValueError(f"{key} must be at least {minimum:g}, not {number:g}{where}")


def require_at_most(owner: Any, maximum: int, *keys: str) -> None:
    """Raise ValueError, naming the key, where an attribute is above the maximum."""
    for key in keys:
        value = getattr(owner, key)
        if value > maximum:
            raise ValueError(f"{key} must be at most {maximum}, not {value}")


def require_one_of(key: str, value: Any, choices: Iterable[str]) -> None:
    """Raise ValueError, with the nearest choice and all of them, where a value is none of the choices."""
    choices = list(choices)
    if value not in choices:
        raise ValueError(f"{key} cannot be {value!r}{suggest_nearest(value, choices)} There are: {', '.join(choices)}.")


def suggest_nearest(name: Any, choices: Iterable[str], prefix: str = "") -> str:
    """How a message goes on after a wrong name."""
    close = difflib.get_close_matches(str(name), list(choices), n=1)
    return f"; did you mean {prefix}{close[0]}?" if close else "."
