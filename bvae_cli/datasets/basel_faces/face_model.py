"""The Basel Face Model (Paysan et al. 2009): faces whose shape and texture vary about a mean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat, whosmat

ARRAYS = ("shapeMU", "shapePC", "shapeEV", "texMU", "texPC", "texEV", "tl")
KINDS = ("single", "double", "int32", "uint32")
MOST = 1 << 26  # numbers in an array; the largest of the published model has 32 million
FARTHEST = 1e7  # that a number is from 0: as micrometres, ten metres

ArrayListing = Sequence[tuple[str, tuple[int, ...], str]]  # name, shape and kind of each array


@dataclass(frozen=True)
class LinearModel:
    """Something that each vertex has three numbers of, normally distributed."""

    mean: NDArray[np.float32]  # (3 · vertices,)
    components: NDArray[np.float32]  # (3 · vertices, components)
    stds: NDArray[np.float32]  # (components,)

    def sample(self, count: int, seed: Sequence[int]) -> NDArray[np.float32]:
        """(count, vertices, 3) at random; the first are the same however many are drawn."""
        normal = np.random.default_rng(seed).standard_normal((count, len(self.stds)))
        coefficients = (normal * self.stds).astype(np.float32)
        varied: NDArray[np.float32] = np.add(self.mean, coefficients @ self.components.T)
        return varied.reshape(count, -1, 3)


@dataclass(frozen=True)
class FaceModel:
    """What faces are drawn from."""

    shape: LinearModel  # micrometres: x to the face's left, y up, z ahead
    texture: LinearModel  # red, green and blue, 0 to 255, or by chance beyond
    triangles: NDArray[np.int32]  # (triangles, 3): numbers of vertices, counter-clockwise as seen from outside


def read(path: Path) -> FaceModel:
    """The model in `01_MorphableModel.mat`, or a smaller one of its form.

    Only arrays of numbers are loaded, and only once all of them have the names, shapes and kinds that they should.

    Raises:
        ValueError: the file is no such thing; the message says why.
        OSError: it cannot be opened.
    """
    with path.open("rb") as file:
        require_layout(list_arrays(file))
        arrays = load_arrays(file)
    for name, values in arrays.items():
        if np.iscomplexobj(values) or not (np.abs(values) <= FARTHEST).all():
            raise ValueError(f"its {name} has values that are no finite numbers, or beyond all measure")
    shape, texture = linear_model(arrays, "shape"), linear_model(arrays, "tex")
    mean = shape.mean.reshape(-1, 3)
    return FaceModel(shape, texture, orient_outward(zero_based(arrays["tl"], len(mean)), mean))


@contextmanager
def wrap_matlab_errors() -> Iterator[None]:
    """Turn whatever a file that is not MATLAB's, or not whole, provokes into a ValueError."""
    try:
        yield
    except NotImplementedError as error:
        raise ValueError("it is of MATLAB 7.3; the model is published in the older form, version 5") from error
    except Exception as error:
        raise ValueError(f"it is no MATLAB file, or not the whole of one: {error}") from error


def list_arrays(file: BinaryIO) -> ArrayListing:
    """What arrays of the model a file has, by their headers alone."""
    with wrap_matlab_errors():
        return [(name, shape, kind) for name, shape, kind in whosmat(file) if name in ARRAYS]


def load_arrays(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """The arrays of the model, by name."""
    with wrap_matlab_errors():
        found = loadmat(file, variable_names=ARRAYS)
        return {name: found[name] for name in ARRAYS}


def require_layout(found: ArrayListing) -> None:
    """Raise ValueError where an array is missing, is not of numbers, or is of a shape that the others do not allow."""
    lengths = {name: math.prod(shape) for name, shape, _ in found}
    if missing := [name for name in ARRAYS if name not in lengths]:
        raise ValueError(f"it has no {', '.join(missing)}")
    rows, triangles = lengths["shapeMU"] // 3 * 3, lengths["tl"] // 3
    right = {"tl": (triangles, 3)}
    for part in ("shape", "tex"):
        columns = lengths[f"{part}EV"]
        right |= {f"{part}MU": (rows, 1), f"{part}PC": (rows, columns), f"{part}EV": (columns, 1)}
    for name, shape, kind in found:
        if kind not in KINDS or shape != right[name]:
            raise ValueError(f"its {name} is {kind} {shape}, not real numbers {right[name]}")
        if not 0 < lengths[name] <= MOST:
            raise ValueError(f"its {name} has {lengths[name]:,} numbers, not 1 to {MOST:,}")


def linear_model(arrays: Mapping[str, NDArray[Any]], part: str) -> LinearModel:
    """The shape or the texture."""
    mean, components, deviations = (arrays[part + name].astype(np.float32, copy=False) for name in ("MU", "PC", "EV"))
    return LinearModel(mean[:, 0], components, deviations[:, 0])


def zero_based(triangles: NDArray[Any], vertices: int) -> NDArray[np.int32]:
    """Triangles whose vertices are numbered from 1, numbered from 0; ValueError where one has no such vertex."""
    if not np.isin(triangles, np.arange(1, vertices + 1)).all():
        raise ValueError(f"its triangles have corners that are none of its {vertices} vertices")
    return triangles.astype(np.int32) - 1


def orient_outward(triangles: NDArray[np.int32], points: NDArray[np.float32]) -> NDArray[np.int32]:
    """The triangles counter-clockwise as seen from outside; those of the published file are clockwise."""
    a, b, c = (points - points.mean(axis=0)).astype(np.float64)[triangles.T]
    volume = np.sum(a * np.cross(b, c))
    if volume == 0:
        raise ValueError("its mean face is flat")
    return triangles if volume > 0 else np.ascontiguousarray(triangles[:, ::-1])
