"""Schedules of hyperparameters: constant, or piecewise linear over training steps."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

from bvae_cli.system.checks import require_float32, shorten

Schedule: TypeAlias = float | tuple[tuple[int, float], ...]
"""A constant, or points (step, value): linear between the points, constant before the first and after the last."""
SCHEDULE_FORMAT = "a number or a schedule like 0:30,3000:4"


def value_at(schedule: Schedule, step: int) -> float:
    """Return the value of a schedule at a step, counted from 0."""
    if not isinstance(schedule, tuple):
        return schedule
    for (start, before), (end, after) in pairwise(schedule):
        if step < end:
            return before + (after - before) * max(0, step - start) / (end - start)
    return schedule[-1][1]


def values_at(objective: object, step: int) -> dict[str, float]:
    """Return the scheduled hyperparameters of an objective at a step, counted from 0; text fields are left out."""
    return {
        name: value_at(schedule, step) for name, schedule in vars(objective).items() if not isinstance(schedule, str)
    }


def parse_schedule(value: Any) -> Schedule:
    """Parse a schedule from YAML or the command line.

    Args:
        value: a number, a string such as `4` or `0:30,3000:4`, or a list of pairs, [[0, 30], [3000, 4]].

    Raises:
        ValueError: the value is not a schedule; the message names the first invalid point.
    """
    if isinstance(value, str) and ":" in value:
        value = [point.split(":") for point in value.split(",")]
    if not isinstance(value, list | tuple):
        return parse_number(value, f"must be {SCHEDULE_FORMAT}, not {shorten(repr(value))}")
    if not value:
        raise ValueError(f"must be {SCHEDULE_FORMAT}, not an empty list")
    points = tuple(parse_point(point, position) for position, point in enumerate(value, start=1))
    for position, ((previous, _), (step, _)) in enumerate(pairwise(points), start=2):
        if step <= previous:
            raise ValueError(f"has an invalid point {position}: step {step} is not after step {previous}")
    return points


def parse_point(point: Any, position: int) -> tuple[int, float]:
    """Parse a point, step and value; raise ValueError with the point's position if it is invalid."""
    message = f"has an invalid point {position}, not step:value: {shorten(format_value(point))}"
    if not isinstance(point, list | tuple) or len(point) != 2:
        raise ValueError(message)
    step, value = (parse_number(part, message) for part in point)
    if step < 0 or step != int(step):
        raise ValueError(
            f"has an invalid point {position}, its step is not an integer ≥ 0: {shorten(format_value(point))}"
        )
    return int(step), value


def parse_number(value: Any, message: str) -> float:
    """Parse a finite number; raise ValueError with the message if it is not one."""
    try:
        if isinstance(value, bool) or not abs(number := float(value)) < float("inf"):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise ValueError(message) from None
    return require_float32(number)


def format_value(value: Any) -> str:
    """Format a schedule as on the command line: 4, or 0:30,3000:4."""
    if isinstance(value, list | tuple):
        return ("," if any(isinstance(part, list | tuple) for part in value) else ":").join(map(format_value, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
