"""The templates, filled in: whatever is put into them is escaped, and nothing may be missing."""

import math
from typing import Any

import torch
from jinja2 import Environment, PackageLoader, StrictUndefined

from bvae_cli import __version__
from bvae_cli.report.published import OF, SOURCE
from bvae_cli.report.wording import count, listed

VERSIONS = {"bvae": __version__, "torch": str(torch.__version__)}


def render(template: str, **content: Any) -> str:
    """A template with its content."""
    environment = Environment(
        loader=PackageLoader("bvae_cli.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"figure": figure, "counted": count, "listed": listed, "percent": percent}
    return environment.get_template(template).render(content, versions=VERSIONS, study={"source": SOURCE, "of": OF})


def figure(value: float, digits: int = 3) -> str:
    """A number as it is read: so many digits that count, no power of ten of what is large."""
    if not math.isfinite(value):
        return "not finite"
    whole = abs(value) >= 10**digits or value == int(value)
    shown = f"{value:,.0f}" if whole else f"{value:#.{digits}g}"
    return shown.replace("-", "−")


def percent(share: float) -> str:
    """A share as it is read."""
    return f"{share:.0%}"
