"""Opening of HDF5 files that anyone may have written: nothing outside of the file is read, nothing unfolds from it."""

from pathlib import Path

import h5py

from bvae_cli.system.opening import open_regular

MAX_BYTES = 2**40
FREE_BYTES, MAX_RATIO = 2**20, 1100  # an array may declare FREE_BYTES + MAX_RATIO × its bytes in the file; gzip: 1032


def open_hdf5(path: Path) -> h5py.File:
    """Open an HDF5 file for reading.

    Raises:
        BvaeError: it is no regular file, or too large.
        OSError: it cannot be read, or is not an HDF5 file.
    """
    open_regular(path, MAX_BYTES).close()
    return h5py.File(path)


def get_array(file: h5py.File, name: str) -> h5py.Dataset:
    """Return an array of numbers in a file, not yet read.

    Raises:
        KeyError: it is not found.
        ValueError: it is not an array of numbers, is (partly) in another file, or declares far more than it stores.
    """
    parts = name.split("/")
    for path in ("/".join(parts[: depth + 1]) for depth in range(len(parts))):
        if not isinstance(file.get(path, getlink=True), h5py.HardLink):  # a soft link could lead to an external one
            raise KeyError(f"{path} is not found, or is a link")
    array = file[name]
    if not isinstance(array, h5py.Dataset) or array.dtype.kind not in "biuf" or array.shape is None:
        raise ValueError(f"{name} is not an array of numbers")
    if array.external is not None or array.is_virtual:
        raise ValueError(f"{name} is stored in another file")
    if array.nbytes > FREE_BYTES + MAX_RATIO * array.id.get_storage_size():
        raise ValueError(f"{name} declares {array.nbytes:,} bytes, most of which are not stored")
    return array
