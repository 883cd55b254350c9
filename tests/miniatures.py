"""Small versions of the published archives, in the same formats, names and layouts, with a few generated images."""

import gzip
import io
import itertools
import struct
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.io import savemat

ATTRIBUTES = ["Bald", "Eyeglasses", "Male", "Smiling", "Young"]
SHAPES3D = {"floor_hue": 2, "wall_hue": 2, "object_hue": 2, "scale": 3, "shape": 2, "orientation": 5}
NORB = ("smallnorb-5x46789x9x18x6x2x96x96-training", "smallnorb-5x01235x9x18x6x2x96x96-testing")


def disc_image(
    size: tuple[int, int], x: float, y: float, color: str = "teal", background: str = "white"
) -> Image.Image:
    """Return an image of a disc at relative coordinates between 0 and 1."""
    image, radius = Image.new("RGB", size, background), min(size) / 5
    centre = (radius + x * (size[0] - 2 * radius), radius + y * (size[1] - 2 * radius))
    corners = [centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius]
    ImageDraw.Draw(image).ellipse(corners, color)
    return image


def encode(image: Image.Image, image_format: str) -> bytes:
    content = io.BytesIO()
    image.save(content, image_format)
    return content.getvalue()


def celeba(folder: Path, count: int = 120) -> Path:
    """Write img_align_celeba.zip, its files in random order, with the attributes beside it; return its path."""
    path, names = folder / "img_align_celeba.zip", [f"{number:06d}.jpg" for number in range(1, count + 1)]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("img_align_celeba/", b"")
        for number in np.random.default_rng(0).permutation(count):
            face = disc_image((178, 218), number % 10 / 9, number // 10 / 12, color="peru", background="lightblue")
            archive.writestr(f"img_align_celeba/{names[number]}", encode(face, "JPEG"))
    values = np.random.default_rng(1).choice(["-1", " 1"], (count, len(ATTRIBUTES)))
    lines = [f"{name} {' '.join(row)}" for name, row in zip(names, values, strict=True)]
    (folder / "list_attr_celeba.txt").write_text("\n".join([str(count), " ".join(ATTRIBUTES), *lines]) + "\n")
    return path


def chairs3d(folder: Path, chairs: int = 4, azimuths: int = 31) -> Path:
    """Write rendered_chairs.tar, with every chair from two elevations; return its path."""
    path = folder / "rendered_chairs.tar"
    with tarfile.open(path, "w") as archive:
        for chair in np.random.default_rng(0).permutation(chairs):
            views = itertools.product((20, 30), range(azimuths))
            for number, (elevation, azimuth) in enumerate(views, start=1):
                angle = f"t{round(11.6 * (azimuth + 1)):03d}_r096"
                name = f"rendered_chairs/{chair:032x}/renders/image_{number:03d}_p{elevation:03d}_{angle}.png"
                view = disc_image((120, 120), azimuth / azimuths, chair / chairs, color="sienna")
                add_member(archive, name, encode(view, "PNG"))
        add_member(archive, "rendered_chairs/all_chair_names.mat", b"not an image")
    return path


def add_member(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file to a TAR archive."""
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def shapes3d(folder: Path) -> Path:
    """Write 3dshapes.h5, a smaller grid whose labels are values, not indices; return its path."""
    values = [np.linspace(0, 1, size) for size in SHAPES3D.values()]
    labels = np.stack(np.meshgrid(*values, indexing="ij"), axis=-1).reshape(-1, len(values))
    colors = {0: "crimson", 1: "gold"}
    rooms = [
        disc_image((64, 64), turn, size, color=colors[round(hue)], background="navy" if wall else "plum")
        for _, wall, hue, size, _, turn in labels
    ]
    path = folder / "3dshapes.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=np.stack([np.asarray(room) for room in rooms]), chunks=(7, 64, 64, 3))
        file.create_dataset("labels", data=labels)
    return path


def cars3d(folder: Path, cars: int = 3) -> Path:
    """Write nips2015-analogy-data.tar.gz, with one .mat file per car and another file; return its path."""
    path = folder / "nips2015-analogy-data.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        add_member(archive, "data/readme.txt", b"not a car")
        for car in reversed(range(cars)):
            views = np.stack([
                np.stack([np.asarray(disc_image((128, 128), side / 23, height / 3)) for height in range(4)], axis=-1)
                for side in range(24)
            ], axis=-2)  # fmt: skip
            content = io.BytesIO()
            savemat(content, {"im": views // (car + 1)}, do_compression=True)
            add_member(archive, f"data/cars/{car:03d}_mesh.mat", content.getvalue())
    return path


def smallnorb(folder: Path, count: int = 90) -> Path:
    """Write the six files and return their folder."""
    rng = np.random.default_rng(0)
    for split in NORB:
        category, instance, elevation = (
            rng.integers(5, size=count),
            rng.integers(10, size=count),
            np.arange(count) % 9,
        )
        azimuth, lighting = 2 * rng.integers(18, size=count), rng.integers(6, size=count)
        toys = np.stack([
            np.stack([np.asarray(disc_image((96, 96), c / 4, e / 8).convert("L"))] * 2)
            for c, e in zip(category, elevation, strict=True)
        ])  # fmt: skip
        toys[:, 1] = 7  # the right camera, which is not used
        write_norb(folder / f"{split}-dat.mat.gz", toys)
        write_norb(folder / f"{split}-cat.mat.gz", category.astype("<i4"))
        write_norb(folder / f"{split}-info.mat.gz", np.stack([instance, elevation, azimuth, lighting], 1).astype("<i4"))
    return folder


def write_norb(path: Path, array: NDArray[np.generic]) -> None:
    magic = 0x1E3D4C55 if array.dtype == np.uint8 else 0x1E3D4C54
    shape = [*array.shape, *[1] * (3 - array.ndim)]
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(struct.pack(f"<ii{len(shape)}i", magic, array.ndim, *shape) + array.tobytes())


def mpi3d(folder: Path, count: int = 130) -> Path:
    """Write mpi3d_toy.npz, with too few images to infer their factors; return its path."""
    path = folder / "mpi3d_toy.npz"
    scenes = [disc_image((64, 64), number % 13 / 12, number // 13 / 9, color="olive") for number in range(count)]
    np.savez_compressed(path, images=np.stack([np.asarray(scene) for scene in scenes]))
    return path


def image_folder(folder: Path, count: int = 110) -> Path:
    """Write a folder of images with various sizes, formats, colours and sub-folders; return it."""
    (folder / "more").mkdir(parents=True)
    for number in range(count):
        image = disc_image((40 + number % 50, 90), number % 11 / 10, number // 11 / 10)
        image_format = ("JPEG", "PNG", "WEBP")[number % 3]
        image = image.convert("L") if number % 7 == 0 else image
        suffix = {"JPEG": "jpg", "PNG": "PNG", "WEBP": "webp"}[image_format]
        (folder / ("more" if number % 2 else "") / f"{number}.{suffix}").write_bytes(encode(image, image_format))
    (folder / "notes.txt").write_text("not an image")
    return folder


def faces(folder: Path, points: int = 12) -> Path:
    """Write 01_MorphableModel.mat, an egg with three components of shape and texture; return its path."""
    up, around = np.linspace(0, np.pi, points), np.linspace(0, 2 * np.pi, 2 * points, endpoint=False)
    v, u = (angle.ravel() for angle in np.meshgrid(up, around, indexing="ij"))
    egg = np.stack([7e4 * np.sin(v) * np.cos(u), 1e5 * np.cos(v), 8e4 * np.sin(v) * np.sin(u)], axis=1)
    row, column = (index.ravel() for index in np.indices((points - 1, 2 * points)))
    upper_left, lower_left = (2 * points * index + column + 1 for index in (row, row + 1))
    upper_right, lower_right = (2 * points * index + (column + 1) % (2 * points) + 1 for index in (row, row + 1))
    corners = [[upper_left, lower_left, upper_right], [upper_right, lower_left, lower_right]]
    tl = np.concatenate([np.stack(corner, axis=1) for corner in corners])
    components = np.linalg.qr(np.random.default_rng(0).normal(size=(egg.size, 3)))[0]
    path = folder / "01_MorphableModel.mat"
    savemat(path, {
        "shapeMU": egg.reshape(-1, 1), "shapePC": components, "shapeEV": np.full((3, 1), 2e4),
        "texMU": np.full((egg.size, 1), 180.0), "texPC": components, "texEV": np.full((3, 1), 300.0),
        "tl": tl.astype(float),
    })  # fmt: skip
    return path
