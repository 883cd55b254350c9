"""Jinja rendering of the templates: all values are escaped, and an undefined variable is an error."""

import math
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bvae_cli.checkpoint import PROGRAM
from bvae_cli.report.published import SOURCE, STUDY
from bvae_cli.report.summary import count_noun, describe_images, join_names

MAX_PLAIN_NUMBER = 1e15  # larger numbers are written with an exponent


def render(template: str, **content: Any) -> str:
    """Return a template filled with content."""
    environment = Environment(
        loader=PackageLoader("bvae_cli.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {function.__name__: function for function in FILTERS}
    return environment.get_template(template).render(
        content, program=PROGRAM, study={"source": SOURCE, "description": STUDY}
    )


def format_number(value: float, digits: int = 3) -> str:
    """Return a number with `digits` significant digits; integers and large numbers get no decimals."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "infinite"
    is_plain = (abs(value) >= 10**digits or value == int(value)) and abs(value) < MAX_PLAIN_NUMBER
    text = f"{value:,.0f}" if is_plain else f"{value:#.{digits}g}"
    return text.rstrip(".").replace("-", "−")


def format_percent(fraction: float) -> str:
    """Return a fraction as a percentage."""
    return f"{fraction:.0%}"


def break_schedule(schedule: str) -> Markup:
    """Return a schedule as HTML that may be broken into lines after commas."""
    return Markup(",<wbr>").join(schedule.split(","))


FILTERS = (break_schedule, count_noun, format_number, join_names, format_percent, describe_images)
