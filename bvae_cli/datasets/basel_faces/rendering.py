"""3D Faces (Higgins et al. 2017), rendered on the grid of factors of Chen et al. 2018, arXiv 1802.04942.

The papers do not state the faces, the angles and the lighting; those used here are our own choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bvae_cli.datasets.basel_faces.face_model import FaceModel
from bvae_cli.datasets.basel_faces.rasteriser import Points, Triangles, rasterise_visible
from bvae_cli.images.spec import SIDE

AZIMUTH = 80.0  # degrees; from the viewer's left (first value) to the right (last value)
ELEVATION = 35.0  # degrees; from looking down (first value) to looking up (last value)
LIGHT_ANGLE = 90.0  # degrees; from the viewer's left (first value) to the right (last value)

SUPERSAMPLING = 2  # samples per pixel along each axis
HEAD_RADIUS = 0.95  # of the largest head; 1 is the distance from the image centre to its border
AMBIENT = 0.2  # fraction of ambient light; the rest is directional
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # weights of red, green and blue (Rec. 601)
SEED = 2009

Vectors = NDArray[np.float32]  # (vectors, 3)


@dataclass(frozen=True)
class Head:
    """A face of the model in image coordinates."""

    points: Points
    triangles: Triangles
    normals: Vectors  # one per vertex
    albedo: NDArray[np.float32]  # (vertices, 1), grey, 0 to 255


def render_faces(model: FaceModel, sizes: Mapping[str, int]) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of a grid with these factor sizes, in order, one identity per block: (images, 64 · 64)."""
    azimuths, elevations, lights = (
        np.linspace(-limit, limit, sizes[name])
        for name, limit in (("azimuth", AZIMUTH), ("elevation", ELEVATION), ("lighting", LIGHT_ANGLE))
    )
    directions = np.stack([rotation_matrix(light, 0)[:, 2] for light in lights])
    poses = [rotation_matrix(azimuth, elevation) for azimuth, elevation in product(azimuths, elevations)]
    for head in sample_heads(model, sizes["identity"]):
        yield np.concatenate([render_head(head, pose, directions) for pose in poses])


def sample_heads(model: FaceModel, count: int) -> Iterator[Head]:
    """Yield random faces, centred, with one common scale at which every face stays inside the image in any pose."""
    shapes = model.shape.sample(count, (SEED, 0))
    shapes -= (shapes.min(axis=1, keepdims=True) + shapes.max(axis=1, keepdims=True)) / 2
    shapes *= HEAD_RADIUS / np.linalg.norm(shapes, axis=2).max()
    albedos = np.clip(model.texture.sample(count, (SEED, 1)), 0, 255) @ LUMA
    for points, albedo in zip(shapes, albedos, strict=True):
        yield Head(points, model.triangles, vertex_normals(points, model.triangles), albedo[:, None])


def vertex_normals(points: Points, triangles: Triangles) -> Vectors:
    """Return the area-weighted mean of the triangle normals at each vertex."""
    a, b, c = points[triangles.T]
    normals = np.repeat(np.cross(b - a, c - a), 3, axis=0)  # the normal of each triangle, once per corner
    sums = [np.bincount(triangles.ravel(), component, minlength=len(points)) for component in normals.T]
    return normalize(np.stack(sums, axis=1).astype(np.float32))


def normalize(vectors: Vectors) -> Vectors:
    """Return the vectors scaled to length 1; zero vectors stay zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, np.where(length > 0, length, 1), dtype=np.float32)


def rotation_matrix(azimuth: float, elevation: float) -> NDArray[np.float32]:
    """Return the rotation, (3, 3), by `azimuth` degrees to the viewer's right, then by `elevation` degrees up."""
    a, e = np.radians(azimuth), np.radians(elevation)
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    lift = np.array([[1, 0, 0], [0, np.cos(e), np.sin(e)], [0, -np.sin(e), np.cos(e)]])
    return np.asarray(lift @ turn, dtype=np.float32)


def render_head(head: Head, pose: NDArray[np.float32], directions: Vectors) -> NDArray[np.uint8]:
    """Return the images, (directions, 64 · 64) bytes, of a head in one pose, lit from each direction.

    The light is white, so shading the luma equals shading each colour channel.
    """
    surface = rasterise_visible(head.points @ pose.T, head.triangles, SIDE * SUPERSAMPLING)
    lambert = directions @ pose @ normalize(surface.interpolate(head.normals)).T  # (directions, samples)
    shade = AMBIENT + (1 - AMBIENT) * np.maximum(lambert, 0)
    samples = np.zeros((len(directions), (SIDE * SUPERSAMPLING) ** 2), dtype=np.float32)
    samples[:, surface.samples] = surface.interpolate(head.albedo)[:, 0] * shade
    means = samples.reshape(-1, SIDE, SUPERSAMPLING, SIDE, SUPERSAMPLING).mean(axis=(2, 4)).reshape(-1, SIDE * SIDE)
    return np.asarray(np.rint(means), dtype=np.uint8)
