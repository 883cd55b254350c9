"""3D Faces: the rasteriser on exactly known meshes, and renderings of a small face model in the published format."""

from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat

from bvae_cli.datasets.basel_faces.face_model import FaceModel, read, require_layout
from bvae_cli.datasets.basel_faces.rasteriser import Points, Triangles, rasterise, rasterise_visible
from bvae_cli.datasets.basel_faces.rendering import normalize, render_faces, vertex_normals
from bvae_cli.datasets.faces import FACTORS

Arrays = dict[str, Any]
SMALL = {"identity": 2, "azimuth": 5, "elevation": 3, "lighting": 3}


def mesh(*triangles: list[tuple[float, float, float]]) -> tuple[Points, Triangles]:
    """Return triangles without common vertices, given coordinates in eighths of half the image width."""
    points = np.array(triangles).reshape(-1, 3) / 8
    return points.astype(np.float32), np.arange(len(points), dtype=np.int32).reshape(-1, 3)


def sphere(splits: int) -> tuple[Points, Triangles]:
    """Return an octahedron whose triangles are split in four `splits` times, with all vertices at distance 1."""
    corners = np.array([np.diag(signs)[:: int(np.prod(signs))] for signs in product((-1.0, 1.0), repeat=3)])
    for _ in range(splits):
        a, b, c = np.moveaxis(corners, 1, 0)
        parts = [(a, a + b, c + a), (a + b, b, b + c), (c + a, b + c, c), (a + b, b + c, c + a)]
        corners = np.concatenate([np.stack(part, axis=1) for part in parts])
        corners /= np.linalg.norm(corners, axis=2, keepdims=True)
    points, numbers = np.unique(corners.reshape(-1, 3) + 0.0, axis=0, return_inverse=True)
    return points.astype(np.float32), numbers.reshape(-1, 3).astype(np.int32)


def coverage(points: Points, triangles: Triangles, side: int = 16) -> NDArray[np.int64]:
    """Return the number of triangles that cover each sample."""
    samples = rasterise(points, triangles, side).samples
    return np.bincount(samples, minlength=side * side).reshape(side, side)


def test_a_square_of_two_triangles_covers_each_sample_inside_once() -> None:
    square = mesh([(-4, -4, 0), (4, -4, 0), (4, 4, 0)], [(-4, -4, 0), (4, 4, 0), (-4, 4, 0)])
    expected = np.zeros((16, 16), dtype=np.int64)
    expected[4:12, 4:12] = 1  # the common diagonal passes through sample centres
    assert np.array_equal(coverage(*square), expected)


def test_a_large_triangle_covers_the_samples_under_its_diagonal() -> None:
    rows, columns = np.indices((16, 16))
    assert np.array_equal(coverage(*mesh([(-8, -8, 0), (8, -8, 0), (-8, 8, 0)])), columns < rows)


def test_a_triangle_larger_than_the_image_covers_all_of_it() -> None:
    assert np.array_equal(coverage(*mesh([(-80, -80, 0), (80, -80, 0), (0, 200, 0)])), np.ones((16, 16)))


def test_centres_on_left_and_upper_edges_are_inside_and_others_outside() -> None:
    a, b, c, d = (-3.5, -3.5, 0.0), (3.5, -3.5, 0.0), (3.5, 3.5, 0.0), (-3.5, 3.5, 0.0)  # all of them sample centres
    expected = np.zeros((16, 16), dtype=np.int64)
    expected[4:11, 4:11] = 1
    assert np.array_equal(coverage(*mesh([a, b, c], [a, c, d])), expected)
    assert np.array_equal(coverage(*mesh([a, b, d], [b, c, d])), expected)


def test_triangles_between_sample_centres_or_seen_from_behind_cover_nothing() -> None:
    assert not coverage(*mesh([(0.1, 0.1, 0), (0.4, 0.1, 0), (0.1, 0.4, 0)])).any()
    assert not coverage(*mesh([(-8, -8, 0), (-8, 8, 0), (8, -8, 0)])).any()


def test_triangles_around_a_common_corner_cover_each_sample_once() -> None:
    angles = np.linspace(0, 2 * np.pi, 38)
    rim = [(20 * np.cos(angle), 20 * np.sin(angle), 0.0) for angle in angles]
    middle = (0.5, 0.5, 0.0)  # a sample centre
    fan = mesh(*([middle, start, stop] for start, stop in pairwise(rim)))
    assert np.array_equal(coverage(*fan, side=64), np.ones((64, 64)))


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_the_nearer_of_two_triangles_is_visible(order: list[int]) -> None:
    points, triangles = mesh([(-4, -4, 1), (4, -4, 1), (-4, 4, 1)], [(-8, -8, 0), (8, -8, 0), (-8, 8, 0)])
    near, far = (coverage(points, triangle[None]) == 1 for triangle in triangles)
    fragments = rasterise_visible(points, triangles[order], 16)
    depth = np.full(16 * 16, -1.0)
    depth[fragments.samples] = 8 * fragments.interpolate(points[:, 2:])[:, 0]
    assert np.allclose(depth.reshape(16, 16), np.where(near, 1, np.where(far, 0, -1)))


def test_the_first_of_two_coincident_triangles_is_visible() -> None:
    same = [(-8.0, -8.0, 0.0), (8.0, -8.0, 0.0), (-8.0, 8.0, 0.0)]
    fragments = rasterise_visible(*mesh(same, same), 16)
    assert set(fragments.corners.ravel().tolist()) == {0, 1, 2}


def test_linear_functions_are_interpolated_exactly() -> None:
    points, triangles = mesh([(-7, -6, 2), (8, -3, -1), (-2, 7, 3)])
    fragments = rasterise_visible(points, triangles, 64)
    row, column = np.divmod(fragments.samples, 64)
    x, y = (2 * column + 1) / 64 - 1, 1 - (2 * row + 1) / 64
    linear = 0.3 * points[:, :1] - 0.7 * points[:, 1:2] + 0.1
    assert len(fragments.samples) > 500
    assert np.allclose(
        fragments.interpolate(linear.astype(np.float32))[:, 0], 0.3 * x - 0.7 * y + 0.1, rtol=0, atol=1e-5
    )


def test_a_sphere_is_covered_once_and_its_normals_are_exact() -> None:
    points, triangles = sphere(5)
    row, column = np.indices((128, 128))
    x, y = (2 * column + 1) / 128 - 1, 1 - (2 * row + 1) / 128
    distance = np.hypot(x, y)
    covered = coverage(points, triangles, 128)
    assert np.all(covered[distance < 0.99] == 1)
    assert not covered[distance > 1.01].any()

    fragments = rasterise_visible(points, triangles, 128)
    normals = np.stack([x, y, np.sqrt(np.maximum(1 - distance**2, 0))], axis=-1).reshape(-1, 3)[fragments.samples]
    inside = distance.ravel()[fragments.samples] < 0.95
    assert np.abs(normalize(fragments.interpolate(vertex_normals(points, triangles))) - normals)[inside].max() < 0.01


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    """A symmetric head with a nose, eyes and a few components, in the published format."""
    points, triangles = sphere(4)
    x, y, z = points.astype(np.float64).T
    nose, eyes = (
        np.exp(-(((abs(x) - aside) / size) ** 2) - ((y - up) / size) ** 2) * (z > 0)
        for aside, up, size in ((0.0, -0.1, 0.2), (0.35, 0.2, 0.1))
    )
    shape = np.stack([75e3 * x, 100e3 * y, 85e3 * z + 25e3 * nose], axis=1)
    texture = np.array([220.0, 170, 140]) * (1 - 0.8 * eyes[:, None])
    waves = np.stack([np.sin(k * points + k) for k in range(1, 5)], axis=-1).reshape(-1, 4)
    waves /= np.linalg.norm(waves, axis=0)
    return {
        "shapeMU": shape.reshape(-1, 1).astype(np.float32), "shapePC": waves, "shapeEV": np.full((4, 1), 2e5),
        "texMU": texture.reshape(-1, 1).astype(np.float32), "texPC": waves[:, :3], "texEV": np.full((3, 1), 800.0),
        "tl": triangles[:, ::-1] + 1.0,
    }  # fmt: skip


def write_model(arrays: Arrays, **changes: Any) -> Path:
    path = Path("01_MorphableModel.mat")
    savemat(path, {name: values for name, values in (arrays | changes).items() if values is not None})
    return path


@pytest.fixture
def model(arrays: Arrays) -> FaceModel:
    return read(write_model(arrays, segbin=np.ones((3, 4))))


@pytest.fixture
def mean(arrays: Arrays) -> FaceModel:
    """A model without variation, which has only the mean face."""
    return read(write_model(arrays, shapeEV=np.zeros((4, 1)), texEV=np.zeros((3, 1))))


def grid(model: FaceModel, **sizes: int) -> NDArray[np.uint8]:
    """Return the images, (identity, azimuth, elevation, lighting, 64, 64)."""
    sizes = SMALL | sizes
    return np.concatenate(list(render_faces(model, sizes))).reshape(*sizes.values(), 64, 64)


def mean_position(light: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the mean position of the light along each line, (lines, 64)."""
    positions: NDArray[np.float64] = light @ np.arange(64) / light.sum(axis=1)
    return positions


def test_the_grid_has_the_published_size() -> None:
    assert np.prod(list(FACTORS.values())) == 127_050


def test_each_block_has_one_identity(model: FaceModel) -> None:
    assert [block.shape for block in render_faces(model, SMALL)] == [(5 * 3 * 3, 64 * 64)] * 2


def test_all_images_are_different(model: FaceModel) -> None:
    assert len(np.unique(grid(model).reshape(-1, 64 * 64), axis=0)) == 2 * 5 * 3 * 3


def test_rendering_is_deterministic(model: FaceModel) -> None:
    assert np.array_equal(grid(model), grid(model))


def test_the_first_faces_do_not_depend_on_the_number_of_faces(model: FaceModel) -> None:
    assert np.allclose(model.shape.sample(2, (1,)), model.shape.sample(9, (1,))[:2])


def test_no_face_touches_the_border_in_any_pose(model: FaceModel) -> None:
    images = grid(model, azimuth=11, elevation=11, lighting=1)
    assert not any(images.take(edge, axis=axis).any() for axis, edge in product((-1, -2), (0, -1)))
    assert images.any(axis=(-1, -2)).all()


def test_a_symmetric_face_with_mirrored_pose_and_light_is_mirrored(mean: FaceModel) -> None:
    images = grid(mean, identity=1).astype(int)
    mirrored = images[:, ::-1, :, ::-1, :, ::-1]
    assert np.abs(images - mirrored).max() <= 1


def test_the_nose_moves_to_the_right_with_azimuth_and_up_with_elevation(arrays: Arrays) -> None:
    nose = arrays["shapeMU"].reshape(-1, 3)[:, 2] > 95e3
    nose_only = {"shapeEV": np.zeros((4, 1)), "texMU": 255.0 * np.repeat(nose, 3)[:, None], "texEV": np.zeros((3, 1))}
    images = grid(read(write_model(arrays, **nose_only)), identity=1)[0, :, :, 1]
    across, down = mean_position(images[::2, 1].max(axis=1)), mean_position(images[2].max(axis=2))
    assert across[0] < 20 < across[1] < 44 < across[2]
    assert down[0] > down[1] + 8 > down[2] + 16


def test_light_from_the_left_brightens_the_left_half(mean: FaceModel) -> None:
    ahead = grid(mean, identity=1)[0, 2, 1].astype(float)
    left, right = ahead[..., :32].mean(axis=(1, 2)), ahead[..., 32:].mean(axis=(1, 2))
    assert left[0] > 2 * right[0]
    assert left[1] == pytest.approx(right[1], rel=0.01)
    assert right[2] > 2 * left[2]


def test_triangles_of_either_orientation_become_outward(arrays: Arrays, model: FaceModel) -> None:
    reversed_model = read(write_model(arrays, tl=arrays["tl"][:, ::-1]))
    assert np.array_equal(reversed_model.triangles, model.triangles)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tl": None, "texEV": None}, "it has no texEV, tl"),
        ({"shapePC": np.ones((9, 4))}, r"its shapePC is double \(9, 4\), not real numbers \(3078, 4\)"),
        ({"shapeEV": np.ones((3, 1))}, r"its shapePC is single \(3078, 4\), not real numbers \(3078, 3\)"),
        ({"texMU": np.ones((3081, 1))}, r"its texMU is double \(3081, 1\)"),
        ({"tl": np.ones((5, 4))}, r"its tl is double \(5, 4\)"),
        ({"tl": np.ones((0, 3))}, "its tl has 0 elements"),
        ({"texMU": "red"}, "its texMU is char"),
        ({"shapePC": {"a": 1.0}}, "its shapePC is struct"),
        (
            {"shapeEV": np.array([[1], [np.nan], [1], [1]])},
            "its shapeEV contains values that are complex, NaN, infinite",
        ),
        ({"texEV": np.array([[1], [np.inf], [1]])}, "its texEV contains values that are complex, NaN, infinite"),
        ({"texEV": np.full((3, 1), 1j)}, "its texEV contains values that are complex, NaN, infinite"),
        ({"texEV": np.full((3, 1), 1e30)}, "its texEV contains values .* above 1e\\+07"),
        ({"tl": np.array([[0.0, 1.0, 2.0]])}, "its triangles contain invalid indices of its 1026 vertices"),
        ({"tl": np.array([[1.0, 2.0, 1027.0]])}, "its triangles contain invalid indices"),
        ({"tl": np.array([[1.0, 2.0, 2.5]])}, "its triangles contain invalid indices"),
        ({"shapeMU": np.zeros((3078, 1))}, "its mean face is flat"),
    ],
)
def test_a_file_with_invalid_arrays_is_an_error(arrays: Arrays, changes: Arrays, message: str) -> None:
    path = write_model(arrays, **changes)
    with pytest.raises(ValueError, match=message):
        read(path)


def test_huge_arrays_are_an_error_before_they_are_loaded() -> None:
    vertices, components = 30_000_000, 4
    shapes = {
        f"{part}{name}": shape
        for part in ("shape", "tex")
        for name, shape in (("MU", (vertices, 1)), ("PC", (vertices, components)), ("EV", (components, 1)))
    }
    with pytest.raises(ValueError, match="its shapePC has 120,000,000 elements"):
        require_layout([(name, shape, "single") for name, shape in (shapes | {"tl": (5, 3)}).items()])


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.002, 0.5, 0.999])
def test_a_truncated_file_is_an_error(arrays: Arrays, fraction: float) -> None:
    path = write_model(arrays)
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(ValueError, match=r"it is not a MATLAB file, or truncated|it has no"):
        read(path)


def test_a_file_of_matlab_7_3_is_an_error() -> None:
    path = Path("new.mat")
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(512))
    with pytest.raises(ValueError, match=r"its format, MATLAB 7\.3, is unsupported"):
        read(path)


def test_a_file_of_another_format_is_an_error() -> None:
    path = Path("face.png")
    path.write_bytes(b"\x89PNG\r\n" + b"image " * 100)
    with pytest.raises(ValueError, match="it is not a MATLAB file"):
        read(path)
