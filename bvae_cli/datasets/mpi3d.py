"""MPI3D (Gondal et al. 2019): an object on a robot arm, rendered (toy, realistic) or real (real, real_complex)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bvae_cli.datasets.dataset import Dataset, Source
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.sources import arrays
from bvae_cli.sources.arrays import wrap_read_errors
from bvae_cli.sources.source import ReadOptions, RemoteFile
from bvae_cli.system.errors import BvaeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIRRORS = (  # the author's; the address published in 2019 has been closed since 2023
    "https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main/",
    "https://storage.googleapis.com/mpi3d_disentanglement_dataset/data/",
)
COMPLEX_URL = "https://drive.google.com/file/d/1Tp8eTdHxgUMtsZv5uAoYAbJR1BOa_OQm/view"
FACTORS = {
    "object_color": 6,
    "object_shape": 6,
    "object_size": 2,
    "camera_height": 3,
    "background_color": 3,
    "horizontal_axis": 40,
    "vertical_axis": 40,
}
COMPLEX_FACTORS = {**FACTORS, "object_color": 4, "object_shape": 4}


def read(path: Path, options: ReadOptions) -> ImageStream:
    """Return the images of an npz with `images`, which contains no factors.

    A file with the published number of images is taken to be the whole data set, in order.

    Raises:
        BvaeError: it is not such a file.
    """
    with wrap_read_errors(path, "MPI3D"):
        count = arrays.read_npz_shape(path, "images")[0]
    if count == options.spec.num_images:
        return ImageStream(options.spec, read_blocks(path, options.spec))
    options.notify(
        f"{path.name} contains {count:,} images, not the {options.spec.num_images:,} of {options.spec.name}; "
        "their factors are unknown."
    )
    return ImageStream(replace(options.spec, factors={}, num_samples=count), read_blocks(path, options.spec))


def read_blocks(path: Path, spec: DataSpec) -> Iterator[NDArray[np.uint8]]:
    """Yield the packed images."""
    from bvae_cli.sources.preprocessing import crop_and_resize_block

    blocks = arrays.read_npz_blocks(path, "images", arrays.require_rgb_images)
    return arrays.pack_blocks(path, "MPI3D", blocks, partial(crop_and_resize_block, spec=spec))


def make_mpi3d(variant: str, factors: dict[str, int], **sources: Source) -> Dataset:
    """Return one of the variants."""
    return Dataset(
        spec=DataSpec(
            f"mpi3d_{variant}",
            channels=3,
            likelihood="bernoulli",
            factors=factors,
            pixel_format="bytes",
            resample="bilinear",
        ),
        sources=sources,
        read=read,
        origin="Gondal et al. 2019, github.com/rr-learning/disentanglement_dataset",
        licence="CC BY 4.0",
    )


def npz_file(variant: str, md5: str) -> tuple[RemoteFile]:
    """Return the published file of a variant."""
    name = f"mpi3d_{variant}.npz"
    return (RemoteFile(name, tuple(f"{mirror}{name}" for mirror in MIRRORS), f"md5:{md5}"),)


def require_own_file(_: ReadOptions) -> ImageStream:
    """Raise BvaeError: a file of which no hash is published is not downloaded."""
    raise BvaeError(
        f"mpi3d_real_complex is not downloaded: its authors publish no hash to verify it by ({COMPLEX_URL})",
        "download it with a browser, then: bvae download mpi3d_real_complex --from FILE",
    )


MPI3D_TOY = make_mpi3d("toy", FACTORS, official=npz_file("toy", "55889cb7c7dfc655d6e0277beee88868"))
MPI3D_REALISTIC = make_mpi3d("realistic", FACTORS, official=npz_file("realistic", "59a6225b88b635365f70c91b3e52f70f"))
MPI3D_REAL = make_mpi3d("real", FACTORS, official=npz_file("real", "0f33f609918fb5c97996692f91129802"))
MPI3D_REAL_COMPLEX = make_mpi3d("real_complex", COMPLEX_FACTORS, own=require_own_file)
