"""HDF5 files that lead elsewhere or unfold."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from bvae_cli.system.errors import BvaeError
from bvae_cli.system.hdf5 import get_array, open_hdf5

TABLE = np.arange(12).reshape(4, 3)


def test_an_array_in_a_group_is_read() -> None:
    with h5py.File("a.h5", "w") as file:
        file.create_dataset("group/table", data=TABLE, compression="gzip")
    with open_hdf5(Path("a.h5")) as file:
        assert np.array_equal(get_array(file, "group/table")[:], TABLE)


def link_externally(file: h5py.File) -> None:
    file["group"] = h5py.ExternalLink("pipe", "/")


def link_softly(file: h5py.File) -> None:
    file.create_group("other")["table"] = TABLE
    file["group"] = h5py.SoftLink("/other")


def store_externally(file: h5py.File) -> None:
    file.create_dataset("group/table", (4, 3), np.uint8, external="pipe")


def store_virtually(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4, 3), np.uint8)
    layout[:] = h5py.VirtualSource("pipe", "table", (4, 3))
    file.create_group("group").create_virtual_dataset("table", layout)


def declare_without_storing(file: h5py.File) -> None:
    file.create_dataset("group/table", (10**9, 3), np.uint8, chunks=(1000, 3), compression="gzip")


def store_objects(file: h5py.File) -> None:
    file.create_dataset("group/table", data=["text"] * 4, dtype=h5py.string_dtype())


def store_nothing(file: h5py.File) -> None:
    file["group/table"] = h5py.Empty("f")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (link_externally, "group is not found, or is a link"),
        (link_softly, "group is not found, or is a link"),
        (store_externally, "group/table is stored in another file"),
        (store_virtually, "group/table is stored in another file"),
        (declare_without_storing, "group/table declares 3,000,000,000 bytes, most of which are not stored"),
        (store_objects, "group/table is not an array of numbers"),
        (store_nothing, "group/table is not an array of numbers"),
        (lambda _: None, "group is not found, or is a link"),
    ],
)
def test_an_array_that_leads_elsewhere_or_unfolds_is_an_error(write, message: str) -> None:  # type: ignore[no-untyped-def]
    with h5py.File("a.h5", "w") as file:
        write(file)
    Path("pipe").write_bytes(bytes(12))
    with open_hdf5(Path("a.h5")) as file, pytest.raises((KeyError, ValueError), match=message):
        get_array(file, "group/table")


def test_a_device_is_not_opened() -> None:
    with pytest.raises(BvaeError, match="it is a pipe or a device"):
        open_hdf5(Path("/dev/zero"))
