"""The templates, filled in: whatever is put into them is escaped, and nothing may be missing."""

import math
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bvae_cli.checkpoint import PROGRAM
from bvae_cli.report.published import SOURCE, STUDY
from bvae_cli.report.summary import count_noun, describe_images, join_names

MAX_PLAIN_NUMBER = 1e15  # from which on a number has a power of ten after all


def render(template: str, **content: Any) -> str:
    """A template with its content."""
    environment = Environment(
        loader=PackageLoader("bvae_cli.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {filtered.__name__: filtered for filtered in FILTERS}
    return environment.get_template(template).render(content, program=PROGRAM, study={"source": SOURCE, "of": STUDY})


def format_number(value: float, digits: int = 3) -> str:
    """A number as it is read: so many digits that count, none after a whole number or a large one."""
    if not math.isfinite(value):
        return "not finite"
    whole = (abs(value) >= 10**digits or value == int(value)) and abs(value) < MAX_PLAIN_NUMBER
    shown = f"{value:,.0f}" if whole else f"{value:#.{digits}g}"
    return shown.rstrip(".").replace("-", "−")


def format_percent(share: float) -> str:
    """A share as it is read."""
    return f"{share:.0%}"


def break_schedule(path: str) -> Markup:
    """A knob's path, which may go on in the next line after a comma."""
    return Markup(",<wbr>").join(path.split(","))


FILTERS = (break_schedule, count_noun, format_number, join_names, format_percent, describe_images)
