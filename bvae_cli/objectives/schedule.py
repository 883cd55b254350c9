"""Knobs: each a number, or a path over the steps of training."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

Schedule: TypeAlias = float | tuple[tuple[int, float], ...]
"""A number, or points (step, value), joined by straight lines and held before the first and after the last."""
FORMS = "a number, or points like 0:30,3000:4"


def value_at(schedule: Schedule, step: int) -> float:
    """The value of a knob at a step counted from 0."""
    if not isinstance(schedule, tuple):
        return schedule
    for (start, before), (end, after) in pairwise(schedule):
        if step < end:
            return before + (after - before) * max(0, step - start) / (end - start)
    return schedule[-1][1]


def values_at(objective: object, step: int) -> dict[str, float]:
    """The values of all knobs of an objective at a step counted from 0; what is chosen by a word is no knob."""
    return {
        name: value_at(schedule, step) for name, schedule in vars(objective).items() if not isinstance(schedule, str)
    }


def parse_schedule(value: Any) -> Schedule:
    """A knob of what YAML or a command line says; raises ValueError, naming the point, where it is none.

    Args:
        value: a number, a text like `4` or `0:30,3000:4`, or a list of pairs, [[0, 30], [3000, 4]].
    """
    if isinstance(value, str) and ":" in value:
        value = [point.split(":") for point in value.split(",")]
    if not isinstance(value, list | tuple):
        return parse_number(value, f"must be {FORMS}, not {value!r}")
    if not value:
        raise ValueError(f"must be {FORMS}, not an empty list")
    points = tuple(parse_point(point, place) for place, point in enumerate(value, start=1))
    for place, ((before, _), (step, _)) in enumerate(pairwise(points), start=2):
        if step <= before:
            raise ValueError(f"goes back at point {place}: step {step} is not after step {before}")
    return points


def parse_point(point: Any, place: int) -> tuple[int, float]:
    """A step and a value; raises ValueError, with the place of the point, where it is none."""
    complaint = f"has a point {place} that is no step and value: {format_value(point)}"
    if not isinstance(point, list | tuple) or len(point) != 2:
        raise ValueError(complaint)
    step, value = (parse_number(part, complaint) for part in point)
    if step < 0 or step != int(step):
        raise ValueError(f"has a point {place} whose step is no whole number from 0 on: {format_value(point)}")
    return int(step), value


def parse_number(value: Any, complaint: str) -> float:
    """A finite number; raises ValueError with a complaint where it is none."""
    try:
        if isinstance(value, bool) or not abs(found := float(value)) < float("inf"):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError(complaint) from None
    return found


def format_value(value: Any) -> str:
    """A knob as it is typed: 4, or 0:30,3000:4."""
    if isinstance(value, list | tuple):
        return ("," if any(isinstance(part, list | tuple) for part in value) else ":").join(map(format_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
