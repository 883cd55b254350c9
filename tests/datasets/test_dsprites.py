"""dSprites files in the published formats."""

import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from bvae_cli.datasets import dsprites
from bvae_cli.datasets.dsprites import DSPRITES, showcase_factors
from bvae_cli.images.spec import ImageStream
from bvae_cli.sources.source import ReadOptions
from bvae_cli.system.errors import BvaeError

Arrays = dict[str, NDArray[Any]]


def read(path: Path) -> ImageStream:
    return dsprites.read(path, ReadOptions(DSPRITES.spec))


def read_all(path: Path) -> NDArray[np.uint8]:
    return np.concatenate(list(read(path).blocks))


def test_an_npz_is_read(small_npz: Path, small_arrays: Arrays) -> None:
    assert read(small_npz).spec.factors == {"shape": 3, "scale": 2, "orientation": 4, "posX": 4, "posY": 4}
    assert np.array_equal(read_all(small_npz), np.packbits(small_arrays["imgs"].reshape(384, -1), axis=1))


def test_an_hdf5_is_read_like_the_npz(tmp_path: Path, small_npz: Path, small_arrays: Arrays) -> None:
    with h5py.File(tmp_path / "small.hdf5", "w") as file:
        file.create_dataset("imgs", data=small_arrays["imgs"], chunks=(100, 2, 4))
        file["latents/classes"] = small_arrays["latents_classes"]
    assert np.array_equal(read_all(tmp_path / "small.hdf5"), read_all(small_npz))


def test_a_pickle_in_the_npz_is_not_loaded(tmp_path: Path, small_arrays: Arrays) -> None:
    np.savez(tmp_path / "own.npz", allow_pickle=True, metadata=np.array(Bomb(), dtype=object), **small_arrays)
    assert len(read_all(tmp_path / "own.npz")) == 384


def test_pickled_images_are_an_error(tmp_path: Path, small_arrays: Arrays) -> None:
    bombs = np.array([Bomb()] * 3, dtype=object)
    np.savez(tmp_path / "own.npz", imgs=bombs, latents_classes=small_arrays["latents_classes"])
    with pytest.raises(BvaeError, match="cannot be read as dSprites"):
        read_all(tmp_path / "own.npz")


class Bomb:
    """An object that ends the test when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.exit, ("a pickle was executed",)


def test_a_truncated_file_is_an_error(tmp_path: Path, small_npz: Path) -> None:
    original = small_npz.read_bytes()
    for length in range(0, len(original), len(original) // 20):
        (tmp_path / "cut.npz").write_bytes(original[:length])
        with pytest.raises(BvaeError):
            read_all(tmp_path / "cut.npz")


def test_a_changed_byte_is_detected(tmp_path: Path, small_npz: Path) -> None:
    content = bytearray(small_npz.read_bytes())
    content[len(content) // 2] ^= 255
    (tmp_path / "changed.npz").write_bytes(content)
    with pytest.raises(BvaeError):
        read_all(tmp_path / "changed.npz")


def test_pixels_that_are_not_binary_are_an_error(tmp_path: Path, small_arrays: Arrays) -> None:
    np.savez(tmp_path / "grey.npz", imgs=small_arrays["imgs"] * 255, latents_classes=small_arrays["latents_classes"])
    with pytest.raises(BvaeError, match="neither 0 nor 1"):
        read_all(tmp_path / "grey.npz")


def test_classes_that_are_not_a_full_grid_are_an_error(tmp_path: Path, small_arrays: Arrays) -> None:
    np.savez(tmp_path / "odd.npz", imgs=small_arrays["imgs"][1:], latents_classes=small_arrays["latents_classes"][1:])
    with pytest.raises(BvaeError, match="every combination"):
        read(tmp_path / "odd.npz")


def test_distinct_classes_are_an_error_without_using_much_memory(tmp_path: Path) -> None:
    np.savez(tmp_path / "odd.npz", latents_classes=np.arange(6 * 2000).reshape(2000, 6))
    with pytest.raises(BvaeError, match="every combination"):
        read(tmp_path / "odd.npz")


def test_a_single_image_is_an_error(tmp_path: Path, small_arrays: Arrays) -> None:
    np.savez(tmp_path / "one.npz", imgs=small_arrays["imgs"][:1], latents_classes=small_arrays["latents_classes"][:1])
    with pytest.raises(BvaeError, match="fewer than two of its factors vary"):
        read(tmp_path / "one.npz")


def test_images_in_fortran_order_are_an_error(tmp_path: Path, small_arrays: Arrays) -> None:
    images = np.asfortranarray(small_arrays["imgs"])
    np.savez(tmp_path / "fortran.npz", imgs=images, latents_classes=small_arrays["latents_classes"])
    with pytest.raises(BvaeError, match="its images are stored in Fortran order"):
        read_all(tmp_path / "fortran.npz")


def test_groups_instead_of_arrays_are_an_error(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "groups.h5", "w") as file:
        file.create_group("imgs")
        file.create_group("latents/classes")
    with pytest.raises(BvaeError, match="cannot be read as dSprites"):
        read(tmp_path / "groups.h5")


def test_another_data_set_is_an_error(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "3dshapes.h5", "w") as file:
        file["images"] = np.zeros((10, 64, 64, 3), dtype=np.uint8)
    with pytest.raises(BvaeError, match="cannot be read as dSprites"):
        read(tmp_path / "3dshapes.h5")


def test_text_and_other_archives_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "page.npz").write_text("<html>")
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("readme", "hello")
    for name in ("page.npz", "other.npz"):
        with pytest.raises(BvaeError, match="cannot be read as dSprites"):
            read(tmp_path / name)


def test_the_showcase_has_each_shape_large_upright_and_centred() -> None:
    assert showcase_factors((3, 6, 40, 32, 32)) == [(shape, 5, 0, 16, 16) for shape in range(3)]
