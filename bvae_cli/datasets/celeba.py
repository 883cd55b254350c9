"""CelebA (Liu et al. 2015): 202,599 aligned and cropped faces in colour, 178 × 218 pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources.arrays import wrap_read_errors
from bvae_cli.sources.folders import find_files
from bvae_cli.sources.source import ReadOptions, RemoteFile, is_image_name
from bvae_cli.system.opening import read_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ATTRIBUTE_TABLES = ("list_attr_celeba.txt", "list_attr_celeba.csv")  # as published, and Kaggle's
MAX_TABLE_BYTES = 100_000_000
DRIVE_URL = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
IMAGES = RemoteFile(
    name="img_align_celeba.zip",
    urls=(
        "https://s3-us-west-1.amazonaws.com/udacity-dlnfd/datasets/celeba.zip",
        f"{DRIVE_URL}0B7EVK8r0v71pZjFTYXZWM3FlRnM",
        f"{DRIVE_URL}1m8-EBPgi5MRubrm6iQjafK2QMHDBMSfJ",
    ),
    hash="sha256:46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74",
    size=1_443_490_838,
)
ATTRIBUTES = RemoteFile(
    name="list_attr_celeba.txt",
    urls=(f"{DRIVE_URL}0B7EVK8r0v71pblRyaVFSWGxPY0U", f"{DRIVE_URL}1gxmFoeEPgF9sT65Wpo85AnHl3zsQ4NvS"),
    hash="md5:75e246fa4810816ffd6ee81facbd244c",
)


def read(path: Path, options: ReadOptions) -> ImageStream:
    """Return the images of the zip, or of a folder and its sub-folders, ordered by name.

    If the table of attributes is there, or in the folder of the zip, its 40 binary attributes are the labels.

    Raises:
        BvaeError: the archive or the attributes cannot be read.
    """
    from bvae_cli.sources import image_files

    archive, members = image_files.find_image_files(path, is_image_name, options)
    members.sort(key=lambda member: Path(member.name).name)
    spec, labels = replace(options.spec, factors={}, num_samples=len(members)), None
    if table := find_attributes(path, options):
        with wrap_read_errors(table, "the attributes of CelebA"):
            names, labels = read_attributes(table, [Path(member.name).stem for member in members])
        spec = replace(spec, factors=dict.fromkeys(names, 2))
    return image_files.stream_image_files(archive, members, replace(options, spec=spec), labels)


def is_celeba_file(name: str) -> bool:
    """Return whether a file of a folder is an image or the table of attributes."""
    return is_image_name(name) or PurePosixPath(name).name in ATTRIBUTE_TABLES


def find_attributes(path: Path, options: ReadOptions) -> Path | None:
    """Return the table of attributes in a folder, or beside an archive; a table that is elsewhere is mentioned."""
    folder = path if path.is_dir() else path.parent
    names = [name for name in find_files(folder, is_celeba_file) if not is_image_name(name)]
    if not path.is_dir():
        names = [name for name in names if "/" not in name]
    if names:
        return folder / names[0]
    for table in (folder.resolve().parent / name for name in ATTRIBUTE_TABLES):
        if table.is_file():
            options.notify(f"the attributes in {table} are not read: they are outside of {folder}.")
    return None


def read_attributes(path: Path, images: list[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the names of the attributes and their values, (images, attributes), 0 or 1, of these images.

    The published table has their number in its first line and their names in the second; Kaggle's is a CSV file with
    the names in the first.

    Raises:
        BvaeError: the table cannot be read.
        ValueError: an image has no attributes, or two attributes have one name.
    """
    import numpy as np

    lines = read_text(path, MAX_TABLE_BYTES, "check its permissions.").strip().splitlines()
    is_csv = path.suffix == ".csv"
    table = [line.split("," if is_csv else None) for line in (lines if is_csv else lines[1:])]
    names = [name.strip() for name in (table[0][1:] if is_csv else table[0])]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"two of its attributes have the name {repeated[0]}")
    rows = {Path(name).stem: [int(value) == 1 for value in values] for name, *values in table[1:]}
    if missing := next((image for image in images if len(rows.get(image, [])) != len(names)), None):
        raise ValueError(f"it has no line of {len(names)} values for {missing}")
    return names, np.array([rows[image] for image in images], dtype=np.int64)


CELEBA = Dataset(
    spec=DataSpec(
        "celeba",
        channels=3,
        likelihood="gaussian",
        factors={},
        num_samples=202_599,
        pixel_format="bytes",
        resample="bilinear",
    ),
    sources={"images": (IMAGES,), "attributes": (IMAGES, ATTRIBUTES)},
    read=read,
    is_read=is_celeba_file,
    origin="Liu et al. 2015, mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    licence="non-commercial research",
)
