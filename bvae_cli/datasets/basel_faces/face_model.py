"""The Basel Face Model (Paysan et al. 2009): linear Gaussian models of the shape and the texture of faces."""

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

from bvae_cli.system.opening import open_regular

ARRAYS = ("shapeMU", "shapePC", "shapeEV", "texMU", "texPC", "texEV", "tl")
DTYPES = ("single", "double", "int32", "uint32")
MAX_BYTES = 2**32  # of a file
MAX_ELEMENTS = 1 << 26  # per array; the largest array of the published model has 32 million elements
MAX_ABS_VALUE = 1e7  # ten metres, in micrometres

ArrayListing = Sequence[tuple[str, tuple[int, ...], str]]  # name, shape and dtype of each array


@dataclass(frozen=True)
class LinearModel:
    """A normal distribution over three values per vertex, with a low-rank covariance."""

    mean: NDArray[np.float32]  # (3 · vertices,)
    components: NDArray[np.float32]  # (3 · vertices, components)
    stds: NDArray[np.float32]  # (components,)

    def sample(self, count: int, seed: Sequence[int]) -> NDArray[np.float32]:
        """Return random samples, (count, vertices, 3); the first samples do not depend on `count`."""
        normal = np.random.default_rng(seed).standard_normal((count, len(self.stds)))
        coefficients = (normal * self.stds).astype(np.float32)
        samples: NDArray[np.float32] = np.add(self.mean, coefficients @ self.components.T)
        return samples.reshape(count, -1, 3)


@dataclass(frozen=True)
class FaceModel:
    """Shape, texture and mesh of faces."""

    shape: LinearModel  # micrometres: x to the face's left, y up, z forward
    texture: LinearModel  # red, green and blue, 0 to 255; random samples may exceed this range
    triangles: NDArray[np.int32]  # (triangles, 3): vertex indices, counter-clockwise as seen from outside


def read(path: Path) -> FaceModel:
    """Return the model in `01_MorphableModel.mat`, or a smaller model in the same format.

    Only numeric arrays are loaded, and only after the names, shapes and dtypes of all arrays have been checked.

    Raises:
        ValueError: the file has another format; the message states the reason.
        OSError: it cannot be opened.
        BvaeError: it is no regular file.
    """
    with open_regular(path, MAX_BYTES) as file:
        require_layout(list_arrays(file))
        arrays = load_arrays(file)
    for name, values in arrays.items():
        if np.iscomplexobj(values) or not (np.abs(values) <= MAX_ABS_VALUE).all():
            raise ValueError(f"its {name} contains values that are complex, NaN, infinite or above {MAX_ABS_VALUE:g}")
    shape, texture = linear_model(arrays, "shape"), linear_model(arrays, "tex")
    mean = shape.mean.reshape(-1, 3)
    return FaceModel(shape, texture, orient_outward(zero_based(arrays["tl"], len(mean)), mean))


@contextmanager
def wrap_matlab_errors() -> Iterator[None]:
    """Convert any error raised by an invalid or truncated MATLAB file into a ValueError."""
    try:
        yield
    except NotImplementedError as error:
        raise ValueError("its format, MATLAB 7.3, is unsupported; the model is published in version 5") from error
    except Exception as error:
        raise ValueError(f"it is not a MATLAB file, or truncated: {error}") from error


def list_arrays(file: BinaryIO) -> ArrayListing:
    """Return the model's arrays in a file, reading only their headers."""
    with wrap_matlab_errors():
        return [(name, shape, dtype) for name, shape, dtype in whosmat(file) if name in ARRAYS]


def load_arrays(file: BinaryIO) -> dict[str, NDArray[Any]]:
    """Return the arrays of the model by name."""
    with wrap_matlab_errors():
        arrays = loadmat(file, variable_names=ARRAYS)
        return {name: arrays[name] for name in ARRAYS}


def require_layout(listing: ArrayListing) -> None:
    """Raise ValueError if an array is missing, not numeric, or of a shape that is inconsistent with the others."""
    lengths = {name: math.prod(shape) for name, shape, _ in listing}
    if missing := [name for name in ARRAYS if name not in lengths]:
        raise ValueError(f"it has no {', '.join(missing)}")
    rows, triangles = lengths["shapeMU"] // 3 * 3, lengths["tl"] // 3
    expected = {"tl": (triangles, 3)}
    for part in ("shape", "tex"):
        columns = lengths[f"{part}EV"]
        expected |= {f"{part}MU": (rows, 1), f"{part}PC": (rows, columns), f"{part}EV": (columns, 1)}
    for name, shape, dtype in listing:
        if dtype not in DTYPES or shape != expected[name]:
            raise ValueError(f"its {name} is {dtype} {shape}, not real numbers {expected[name]}")
        if not 0 < lengths[name] <= MAX_ELEMENTS:
            raise ValueError(f"its {name} has {lengths[name]:,} elements, not 1 to {MAX_ELEMENTS:,}")


def linear_model(arrays: Mapping[str, NDArray[Any]], part: str) -> LinearModel:
    """Return the model of the shape or of the texture."""
    mean, components, stds = (arrays[part + name].astype(np.float32, copy=False) for name in ("MU", "PC", "EV"))
    return LinearModel(mean[:, 0], components, stds[:, 0])


def zero_based(triangles: NDArray[Any], vertices: int) -> NDArray[np.int32]:
    """Return triangles with vertex indices from 0, given indices from 1; raises ValueError for invalid ones."""
    if not np.isin(triangles, np.arange(1, vertices + 1)).all():
        raise ValueError(f"its triangles contain invalid indices of its {vertices} vertices")
    return triangles.astype(np.int32) - 1


def orient_outward(triangles: NDArray[np.int32], points: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return the triangles counter-clockwise as seen from outside; those of the published file are clockwise."""
    a, b, c = (points - points.mean(axis=0)).astype(np.float64)[triangles.T]
    volume = np.sum(a * np.cross(b, c))
    if volume == 0:
        raise ValueError("its mean face is flat")
    return triangles if volume > 0 else np.ascontiguousarray(triangles[:, ::-1])
