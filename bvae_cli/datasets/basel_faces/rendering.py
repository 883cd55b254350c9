"""3D Faces (Higgins et al. 2017) on the grid of Chen et al. 2018, arXiv 1802.04942: heads turned, raised and lit.

Which faces, angles and light the papers took they do not say; these are our own.
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

AZIMUTH = 80.0  # degrees that a face is turned to the viewer's left at first, and to the right at last
ELEVATION = 35.0  # degrees that it looks down at first, and up at last
LIGHT = 90.0  # degrees that the light comes from the viewer's left at first, and from the right at last

FINE = 2  # samples along a pixel
RADIUS = 0.95  # of the largest head about its middle; 1 reaches from the picture's middle to its border
AMBIENT = 0.2  # how much light comes from everywhere; the rest comes from one direction
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # of red, green and blue (Rec. 601)
SEED = 2009

Vectors = NDArray[np.float32]  # (vectors, 3)


@dataclass(frozen=True)
class Head:
    """A face of the model, in the coordinates of the picture."""

    points: Points
    triangles: Triangles
    normals: Vectors  # of the vertices
    albedo: NDArray[np.float32]  # (vertices, 1) grey, 0 to 255


def render_faces(model: FaceModel, sizes: Mapping[str, int]) -> Iterator[NDArray[np.uint8]]:
    """The pictures, factors with so many values over their ranges, in order: a block an identity, (images, 64 · 64)."""
    azimuths, elevations, lights = (
        np.linspace(-most, most, sizes[name])
        for name, most in (("azimuth", AZIMUTH), ("elevation", ELEVATION), ("lighting", LIGHT))
    )
    directions = np.stack([rotation_matrix(light, 0)[:, 2] for light in lights])
    poses = [rotation_matrix(azimuth, elevation) for azimuth, elevation in product(azimuths, elevations)]
    for head in sample_heads(model, sizes["identity"]):
        yield np.concatenate([render_head(head, pose, directions) for pose in poses])


def sample_heads(model: FaceModel, count: int) -> Iterator[Head]:
    """Random faces about the middle of the picture, all to one scale, by which each stays inside however it turns."""
    shapes = model.shape.sample(count, (SEED, 0))
    shapes -= (shapes.min(axis=1, keepdims=True) + shapes.max(axis=1, keepdims=True)) / 2
    shapes *= RADIUS / np.linalg.norm(shapes, axis=2).max()
    albedos = np.clip(model.texture.sample(count, (SEED, 1)), 0, 255) @ LUMA
    for points, albedo in zip(shapes, albedos, strict=True):
        yield Head(points, model.triangles, vertex_normals(points, model.triangles), albedo[:, None])


def vertex_normals(points: Points, triangles: Triangles) -> Vectors:
    """The normals of the triangles at each vertex, averaged by area."""
    a, b, c = points[triangles.T]
    normals = np.repeat(np.cross(b - a, c - a), 3, axis=0)  # the normal of a triangle, for each of its corners
    sums = [np.bincount(triangles.ravel(), along, minlength=len(points)) for along in normals.T]
    return normalize(np.stack(sums, axis=1).astype(np.float32))


def normalize(vectors: Vectors) -> Vectors:
    """The vectors with length 1, or 0 where they were."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, np.where(length > 0, length, 1), dtype=np.float32)


def rotation_matrix(azimuth: float, elevation: float) -> NDArray[np.float32]:
    """(3, 3): turns what looks at the viewer to the viewer's right, then up, by degrees."""
    a, e = np.radians(azimuth), np.radians(elevation)
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    lift = np.array([[1, 0, 0], [0, np.cos(e), np.sin(e)], [0, -np.sin(e), np.cos(e)]])
    return np.asarray(lift @ turn, dtype=np.float32)


def render_head(head: Head, pose: NDArray[np.float32], directions: Vectors) -> NDArray[np.uint8]:
    """A head in a pose, in the light from each direction: (directions, 64 · 64) bytes.

    As the light is white, a colour's luma is shaded as its parts are.
    """
    surface = rasterise_visible(head.points @ pose.T, head.triangles, SIDE * FINE)
    lambert = directions @ pose @ normalize(surface.interpolate(head.normals)).T  # (directions, samples)
    shade = AMBIENT + (1 - AMBIENT) * np.maximum(lambert, 0)
    samples = np.zeros((len(directions), (SIDE * FINE) ** 2), dtype=np.float32)
    samples[:, surface.samples] = surface.interpolate(head.albedo)[:, 0] * shade
    means = samples.reshape(-1, SIDE, FINE, SIDE, FINE).mean(axis=(2, 4)).reshape(-1, SIDE * SIDE)
    return np.asarray(np.rint(means), dtype=np.uint8)
