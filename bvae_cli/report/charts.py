"""Charts as inline SVG that inherits the colours and the font of the page."""

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

FloatArray = NDArray[np.float64]

PALETTE = ("#3b82c4", "#e07b39", "#3a9e6e", "#c8508c", "#8c6bd0", "#a88c14", "#2fa3b5", "#d2554a", "#7f8fa3", "#7d9a2a")
"""Legible on white and on black."""
DASHES = ("solid", "dashed", "dotted")  # to distinguish more lines than there are colours
GREY = "#8a929c"
TEXT_COLOUR = "#000000"  # replaced by the text colour of the page
SIZE = 4.2, 2.3  # inches, of 72 units each
MAX_VALUE = 1e100  # larger values are not drawn
LOG_RATIO = 20  # ratio of maximum to minimum from which on an axis may be logarithmic
MAX_LABEL_CHARACTERS = 36  # of all labels of the x axis together; longer ones are rotated
NUM_BINS = 250  # across a chart; of each bin only the minimum and the maximum of a curve are drawn
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
    """Colour and dash pattern of a line."""

    colour: str = PALETTE[0]
    dash: str = DASHES[0]


@dataclass(frozen=True)
class Line:
    """A curve over training steps."""

    steps: FloatArray
    values: FloatArray  # values that are not finite are not drawn
    style: LineStyle = LineStyle()


@dataclass(frozen=True)
class ScatterColumn:
    """The values above one label of the x axis."""

    label: str
    values: Sequence[float]
    style: LineStyle = LineStyle()


def line_styles() -> Iterator[LineStyle]:
    """Yield line styles; the first thirty are distinct."""
    for dash in cycle(DASHES):
        for colour in PALETTE:
            yield LineStyle(colour, dash)


def line_chart(
    lines: Sequence[Line], name: str, description: str, log_scale: bool = False, x_label: str = "step"
) -> Markup:
    """Return a chart of curves as an SVG element.

    Args:
        lines: the curves.
        name: prefix of the ids inside the SVG, unique on the page.
        description: text for screen readers.
        log_scale: use a logarithmic y axis if all values are positive and span a large ratio.
        x_label: label of the x axis.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes, curves = figure.subplots(), []
        for line in lines:
            steps, values = downsample(line.steps, line.values)
            axes.plot(steps, values, color=line.style.colour, linestyle=line.style.dash)
            curves.append(values)
        scale_axis(axes, curves, log_scale)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
        axes.set_xlabel(x_label)
        return namespace_svg(to_svg(figure), name, description)


def scatter_chart(
    columns: Sequence[ScatterColumn], name: str, description: str, log_scale: bool, x_label: str
) -> Markup:
    """Return columns of points, each with its mean and standard deviation, as an SVG element: see `line_chart`."""
    finite = [[value for value in column.values if abs(value) < MAX_VALUE] for column in columns]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots()
        for x, (column, values) in enumerate(zip(columns, finite, strict=True)):
            axes.plot([x] * len(values), values, "o", color=column.style.colour, markersize=4, alpha=0.6)
            if len(values) > 1:
                std = float(np.std(values, ddof=1))
                axes.errorbar(x + 0.2, np.mean(values), std, fmt="_", color=column.style.colour, capsize=3)
        scale_axis(axes, [np.array(values) for values in finite], log_scale)
        labels = [column.label for column in columns]
        is_rotated = sum(map(len, labels)) > MAX_LABEL_CHARACTERS
        rotation, alignment = (35, "right") if is_rotated else (0, "center")
        axes.set_xticks(range(len(columns)), labels, rotation=rotation, ha=alignment)
        axes.set_xlim(-0.6, len(columns) - 0.4)
        axes.set_xlabel(x_label)
        return namespace_svg(to_svg(figure), name, description)


def to_svg(figure: Figure) -> str:
    """Return a figure as SVG text without metadata (date, creator), so that the output is reproducible."""
    text = io.StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return text.getvalue()


def downsample(steps: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the minimum and the maximum of a curve in each of NUM_BINS bins; short curves are returned whole."""
    finite = np.abs(values) < MAX_VALUE
    if finite.sum() <= 2 * NUM_BINS:
        return steps, np.where(finite, values, np.nan)
    bins = np.array_split(np.flatnonzero(finite), NUM_BINS)
    extremes = sorted({int(rows[extreme(values[rows])]) for rows in bins for extreme in (np.argmin, np.argmax)})
    return steps[extremes], values[extremes]


def scale_axis(axes: Axes, curves: Sequence[FloatArray], log_scale: bool) -> None:
    """Set the scale and a few round ticks of the y axis."""
    values = np.concatenate([np.asarray(curve, dtype=float) for curve in curves]) if curves else np.zeros(0)
    values = values[~np.isnan(values)]
    has_integers = bool((values == values.round()).all())
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10], integer=has_integers, min_n_ticks=1))
    if log_scale and len(values) and values.min() > 1 / MAX_VALUE and values.max() > LOG_RATIO * values.min():
        axes.set_yscale("log")
        spans_decades = values.max() > LOG_RATIO**2 * values.min()
        axes.yaxis.set_major_locator(LogLocator(subs=(1,) if spans_decades else (1, 2, 5)))
        axes.yaxis.set_minor_formatter("")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.grid(visible=True, color=GREY, alpha=0.25, linewidth=0.6)


def namespace_svg(svg: str, name: str, description: str) -> Markup:
    """Return Matplotlib's SVG for inclusion in a page: ids are prefixed with `name`, XML namespaces are removed."""
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
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": description}
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def is_used_attribute(tag: str, key: str) -> bool:
    """Return whether an attribute is used: nothing refers to the ids of groups."""
    return key != "id" or tag != "g"


def namespace_attribute(key: str, value: str, name: str) -> str:
    """Return the value of an attribute with prefixed ids, and with the font and the text colour of the page."""
    if key == "id":
        return f"{name}-{value}"
    if key in {"href", "clip-path"}:
        return re.sub(r"(^|url\()#", rf"\g<1>#{name}-", value)
    if key == "style":
        value = re.sub(r"font-family: [^;]*;? ?", "", value).replace(TEXT_COLOUR, "currentColor")
    return re.sub(r"\s+", " ", value)
