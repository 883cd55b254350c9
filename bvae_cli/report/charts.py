"""Curves as SVG that stands in the text of a page, in its colours and its letters."""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

PALETTE = ("#3b82c4", "#e07b39", "#3a9e6e", "#c8508c", "#8c6bd0", "#a88c14", "#2fa3b5", "#d2554a", "#7f8fa3", "#7d9a2a")
"""Seen on white and on black."""
DASHES = ("solid", "dashed", "dotted")  # where there are more lines than colours
FAINT = "#8a929c"
INK = "#000000"  # which becomes the page's own
SIZE = 4.2, 2.3  # inches, of 72 units each
MAX_VALUE = 1e100  # beyond which nothing is drawn
LOG_RATIO = 20  # times as much, from which on an axis is logarithmic
LETTERS = 36  # beneath a chart, that stand beside each other
PLACES = 250  # across a chart, at each of which a curve is drawn from its least to its greatest value
STYLE: Any = {
    "svg.hashsalt": "bvae",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.3,
}


@dataclass(frozen=True)
class LineStyle:
    """How a line is drawn."""

    colour: str = PALETTE[0]
    dash: str = DASHES[0]


@dataclass(frozen=True)
class Line:
    """A curve over steps."""

    steps: Numbers
    values: Numbers  # not finite where there is nothing to draw
    style: LineStyle = LineStyle()


@dataclass(frozen=True)
class ScatterColumn:
    """Values that stand over one word."""

    label: str
    values: Sequence[float]
    style: LineStyle = LineStyle()


def line_styles() -> Iterator[LineStyle]:
    """One after the other, the first thirty of them different."""
    for dash in cycle(DASHES):
        for colour in PALETTE:
            yield LineStyle(colour, dash)


def line_chart(lines: Sequence[Line], name: str, words: str, wide: bool = False, across: str = "step") -> Markup:
    """Curves over steps, as an SVG.

    Args:
        lines: the curves.
        name: of the chart, by which what it refers to inside is told from that of others on the page.
        words: what it shows, for those who do not see it.
        wide: whether the axis of values is logarithmic, where they can be shown so.
        across: what the curves are over.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes, drawn = figure.subplots(), []
        for line in lines:
            steps, values = downsample(line.steps, line.values)
            axes.plot(steps, values, color=line.style.colour, linestyle=line.style.dash)
            drawn.append(values)
        scale_axis(axes, drawn, wide)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
        axes.set_xlabel(across)
        return namespace_svg(to_svg(figure), name, words)


def scatter_chart(shown: Sequence[ScatterColumn], name: str, words: str, wide: bool, across: str) -> Markup:
    """Values side by side, a column each with its mean and their standard deviation, as an SVG: see `line_chart`."""
    finite = [[value for value in column.values if abs(value) < MAX_VALUE] for column in shown]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots()
        for place, (column, values) in enumerate(zip(shown, finite, strict=True)):
            axes.plot([place] * len(values), values, "o", color=column.style.colour, markersize=4, alpha=0.6)
            if len(values) > 1:
                spread = float(np.std(values, ddof=1))
                axes.errorbar(place + 0.2, np.mean(values), spread, fmt="_", color=column.style.colour, capsize=3)
        scale_axis(axes, [np.array(values) for values in finite], wide)
        labels = [column.label for column in shown]
        tilted = sum(map(len, labels)) > LETTERS
        axes.set_xticks(range(len(shown)), labels, rotation=35 if tilted else 0, ha="right" if tilted else "center")
        axes.set_xlim(-0.6, len(shown) - 0.4)
        axes.set_xlabel(across)
        return namespace_svg(to_svg(figure), name, words)


def to_svg(figure: Figure) -> str:
    """A figure as it is written, with nothing of when and by what."""
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return text.getvalue()


def downsample(steps: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
    """A curve with its least and its greatest value at each place across a chart, and no others."""
    finite = np.abs(values) < MAX_VALUE
    if finite.sum() <= 2 * PLACES:
        return steps, np.where(finite, values, np.nan)
    parts = np.array_split(np.flatnonzero(finite), PLACES)
    kept = sorted({int(part[pick(values[part])]) for part in parts for pick in (np.argmin, np.argmax)})
    return steps[kept], values[kept]


def scale_axis(axes: Axes, curves: Sequence[Numbers], wide: bool) -> None:
    """An axis of values with a few round numbers."""
    together = np.concatenate([np.asarray(values, dtype=float) for values in curves]) if curves else np.zeros(0)
    together = together[~np.isnan(together)]
    whole = bool((together == together.round()).all())
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10], integer=whole, min_n_ticks=1))
    if wide and len(together) and together.min() > 1 / MAX_VALUE and together.max() > LOG_RATIO * together.min():
        axes.set_yscale("log")
        decades = together.max() > LOG_RATIO**2 * together.min()
        axes.yaxis.set_major_locator(LogLocator(subs=(1,) if decades else (1, 2, 5)))
        axes.yaxis.set_minor_formatter("")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.grid(visible=True, color=FAINT, alpha=0.25, linewidth=0.6)


def namespace_svg(svg: str, name: str, words: str) -> Markup:
    """Matplotlib's SVG as a part of a page: no name of it is used twice there, nothing in it is an address."""
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        attributes = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {
            key: namespace_attribute(key, value, name)
            for key, value in attributes.items()
            if is_used_attribute(element.tag, key)
        }
        element.tail = None
        for child in [child for child in element if child.tag.rpartition("}")[2] in {"style", "metadata"}]:
            element.remove(child)
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": words}
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def is_used_attribute(tag: str, key: str) -> bool:
    """Whether an attribute is of use; groups are referred to by nobody."""
    return key != "id" or tag != "g"


def namespace_attribute(key: str, value: str, name: str) -> str:
    """The value of an attribute: names made the chart's own, the ink and the letters the page's."""
    if key == "id":
        return f"{name}-{value}"
    if key in {"href", "clip-path"}:
        return re.sub(r"(^|url\()#", rf"\g<1>#{name}-", value)
    if key == "style":
        value = re.sub(r"font-family: [^;]*;? ?", "", value).replace(INK, "currentColor")
    return re.sub(r"\s+", " ", value)
