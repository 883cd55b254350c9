"""CelebA (Liu et al. 2015): 202,599 aligned and cropped faces in colour, 178 × 218 pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources.arrays import wrap_read_errors
from bvae_cli.sources.source import ReadOptions, RemoteFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
    """Return the images of the zip, or of a folder, ordered by name.

    If list_attr_celeba.txt is in the same folder, its 40 binary attributes are the labels.

    Raises:
        BvaeError: the archive or the attributes cannot be read.
    """
    from bvae_cli.sources import image_files

    archive, members = image_files.find_image_files(
        path, lambda name: name.lower().endswith((".jpg", ".jpeg", ".png")), options
    )
    members.sort(key=lambda member: Path(member.name).name)
    spec, labels = replace(options.spec, factors={}, num_samples=len(members)), None
    attributes_file = (path if path.is_dir() else path.parent) / ATTRIBUTES.name
    if attributes_file.is_file():
        with wrap_read_errors(attributes_file, "the attributes of CelebA"):
            names, labels = read_attributes(attributes_file, [Path(member.name).stem for member in members])
        spec = replace(spec, factors=dict.fromkeys(names, 2))
    return image_files.stream_image_files(archive, members, replace(options, spec=spec), labels)


def read_attributes(path: Path, images: list[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the names of the attributes and their values, (images, attributes), 0 or 1, of these images.

    Raises:
        ValueError: an image has no attributes.
    """
    import numpy as np

    _, names, *lines = path.read_text(encoding="utf-8").strip().splitlines()
    rows = {Path(name).stem: [value == "1" for value in values] for name, *values in map(str.split, lines)}
    if missing := next((image for image in images if image not in rows), None):
        raise ValueError(f"it has no line for {missing}")
    return names.split(), np.array([rows[image] for image in images], dtype=np.int64)


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
    origin="Liu et al. 2015, mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    licence="non-commercial research",
)
