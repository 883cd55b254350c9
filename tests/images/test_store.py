"""Data files."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from bvae_cli.images import store
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import ignore_progress

Change = Callable[[h5py.File], None]
FACTORS = {"row": 2, "column": 3}
SPEC = DataSpec("toy", 1, "bernoulli", FACTORS)
PACKED = np.random.default_rng(0).integers(256, size=(6, 512), dtype=np.uint8)


def write_data_file(path: Path, packed: np.ndarray = PACKED) -> None:
    store.write_data_file(path, ImageStream(SPEC, iter(np.array_split(packed, 2))), "procedural", ignore_progress)


def test_a_data_file_round_trips(tmp_path: Path) -> None:
    write_data_file(tmp_path / "toy.h5")
    spec, packed, labels = store.read_data_file(tmp_path / "toy.h5", "toy")
    assert spec == SPEC
    assert np.array_equal(packed, PACKED)
    assert labels is None
    assert store.read_header(tmp_path / "toy.h5") == (SPEC, "procedural")


def test_the_same_images_give_identical_files(tmp_path: Path) -> None:
    write_data_file(tmp_path / "one.h5")
    write_data_file(tmp_path / "other.h5")
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "other.h5").read_bytes()


@pytest.mark.parametrize("count", [5, 7])
def test_a_number_of_images_that_contradicts_the_factors_is_an_error(tmp_path: Path, count: int) -> None:
    with pytest.raises(BvaeError, match=f"images, {count}, is not the number of combinations of the factors, 6"):
        write_data_file(tmp_path / "toy.h5", np.resize(PACKED, (count, 512)))
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_data_set_is_an_error(tmp_path: Path) -> None:
    write_data_file(tmp_path / "toy.h5")
    with pytest.raises(BvaeError, match="contains toy, not dsprites"):
        store.read_data_file(tmp_path / "toy.h5", "dsprites")


def test_a_missing_file_error_contains_the_command_that_creates_it(tmp_path: Path) -> None:
    with pytest.raises(BvaeError) as error:
        store.read_data_file(tmp_path / "toy.h5", "toy")
    assert error.value.hint == f"create it: bvae download folder --from DIR --name toy --data {tmp_path}"


def test_the_command_omits_the_default_folder(tmp_path: Path) -> None:
    with pytest.raises(BvaeError) as error:
        store.read_data_file(Path("data/celeba.h5"), "celeba")
    assert error.value.hint == "create it: bvae download celeba"


def test_a_newer_format_is_an_error_and_may_be_replaced(tmp_path: Path) -> None:
    write_data_file(tmp_path / "toy.h5")
    with h5py.File(tmp_path / "toy.h5", "r+") as file:
        file.attrs["format"] = store.FORMAT + 1
    assert store.read_header(tmp_path / "toy.h5") is None
    with pytest.raises(BvaeError, match=f"unsupported format {store.FORMAT + 1}, newer than {store.FORMAT}"):
        store.read_data_file(tmp_path / "toy.h5", "toy")


def test_a_truncated_file_is_an_error(tmp_path: Path) -> None:
    write_data_file(tmp_path / "toy.h5")
    original = (tmp_path / "toy.h5").read_bytes()
    for length in range(0, len(original), 300):
        (tmp_path / "toy.h5").write_bytes(original[:length])
        assert store.read_header(tmp_path / "toy.h5") is None
        with pytest.raises(BvaeError, match="is corrupt, or not a bvae data file"):
            store.read_data_file(tmp_path / "toy.h5", "toy")


def test_a_file_that_is_open_elsewhere_or_unreadable_is_reported_and_not_called_corrupt(tmp_path: Path) -> None:
    write_data_file(tmp_path / "toy.h5")
    program = (
        f"import h5py, sys; f = h5py.File({str(tmp_path / 'toy.h5')!r}, 'r+'); print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(BvaeError, match="is open in another program"):
            store.read_header(tmp_path / "toy.h5")
        with pytest.raises(BvaeError, match="is open in another program") as error:
            store.read_data_file(tmp_path / "toy.h5", "toy")
        other.communicate()
    assert "--force" not in str(error.value.hint)


@pytest.mark.parametrize("content", [b"my notes", b"x" * 10_000, store.HDF5_MAGIC + b"x" * 10_000])
def test_a_file_that_bvae_has_not_written_is_not_taken_for_a_missing_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notes.h5").write_bytes(content)
    with pytest.raises(BvaeError, match="is not a bvae data file"):
        store.read_header(tmp_path / "notes.h5")


@pytest.mark.parametrize("error", [MemoryError(), ValueError("of the caller"), FileNotFoundError(2, "gone", "other")])
def test_an_error_of_the_code_that_uses_a_file_is_not_blamed_on_the_file(tmp_path: Path, error: Exception) -> None:
    write_data_file(tmp_path / "toy.h5")
    with pytest.raises(type(error)) as raised, store.open_data_file(tmp_path / "toy.h5", "toy"):
        raise error
    assert raised.value is error


def test_a_chunk_that_cannot_be_decompressed_is_corruption(tmp_path: Path) -> None:
    write_data_file(tmp_path / "toy.h5")
    with h5py.File(tmp_path / "toy.h5", "r+") as file:
        file["images"].id.write_direct_chunk((0, 0), b"not deflated")
    with pytest.raises(BvaeError, match="is corrupt"):
        store.read_data_file(tmp_path / "toy.h5", "toy")


def test_a_changed_image_is_detected(tmp_path: Path) -> None:
    write_data_file(tmp_path / "toy.h5")
    with h5py.File(tmp_path / "toy.h5", "r+") as file:
        file["images"][0, 0] ^= 1
    assert store.read_header(tmp_path / "toy.h5") is None


def test_a_full_disk_leaves_the_old_file_unchanged(tmp_path: Path) -> None:
    write_data_file(tmp_path / "toy.h5")
    before = (tmp_path / "toy.h5").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(BvaeError, match="cannot write"):
            write_data_file(tmp_path / "toy.h5")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["toy.h5"]
    assert (tmp_path / "toy.h5").read_bytes() == before


LABELS = np.array([[0, 2], [1, 0], [1, 1], [0, 0]])
LIST_SPEC = DataSpec("toy", 1, "bernoulli", FACTORS, num_samples=4)


def write_list(path: Path) -> None:
    stream = ImageStream(LIST_SPEC, iter([PACKED[:4]]), LABELS)
    store.write_data_file(path, stream, "procedural", ignore_progress)


def set_spec(**changes: Any) -> Change:
    def change(file: h5py.File) -> None:
        file.attrs["spec"] = json.dumps(json.loads(file.attrs["spec"]) | changes)

    return change


def set_labels(values: Any, dtype: str = "int32") -> Change:
    def change(file: h5py.File) -> None:
        del file["labels"]
        file["labels"] = np.asarray(values, dtype)

    return change


def replace_images(**options: Any) -> Change:
    def change(file: h5py.File) -> None:
        del file["images"]
        file.create_dataset("images", **options)

    return change


def set_attribute(name: str, value: Any) -> Change:
    def change(file: h5py.File) -> None:
        file.attrs[name] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_spec(likelihood="poisson"),
        set_spec(channels=2),
        set_spec(factors={"row": 2.0, "column": 3}),
        set_spec(factors=["row", "column"]),
        set_spec(num_samples=10**12),
        set_spec(num_samples=-4),
        set_spec(pixel_format="floats"),
        set_spec(colour=1),
        set_attribute("spec", "[" * 10_000),
        set_attribute("spec", "\ud800".encode(errors="surrogatepass")),
        set_attribute("sha256", 3),
        set_attribute("format", np.array([3, 3])),
        set_labels(LABELS[:3]),
        set_labels(LABELS[:, :1]),
        set_labels(-LABELS),
        set_labels(LABELS + 1),
        set_labels(LABELS * 1e12, "float64"),
        set_labels(np.full((4, 2), np.nan), "float64"),
        replace_images(data=PACKED[:4]),
        replace_images(shape=(4, 512), dtype=np.uint8, chunks=(4, 16)),
        replace_images(data=PACKED[:4].astype(np.int8), chunks=(4, 512)),
        replace_images(shape=(4, 512), dtype=np.uint8, external="/dev/zero"),
    ],
)
def test_a_malformed_data_file_is_corrupt_for_every_reader(tmp_path: Path, change: Change) -> None:
    path = tmp_path / "toy.h5"
    write_list(path)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(BvaeError, match="is corrupt, or not a bvae data file"):
        store.read_data_file(path, "toy")
    with pytest.raises(BvaeError, match="is corrupt, or not a bvae data file"):
        store.read_at(path, "toy", np.array([0]))
    assert store.read_header(path) is None


def test_a_pipe_is_not_opened_as_a_data_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "toy.h5")
    with pytest.raises(BvaeError, match=r"data file not found|not a bvae data file"):
        store.read_data_file(tmp_path / "toy.h5", "toy")
    with pytest.raises(BvaeError, match="not a bvae data file"):
        store.read_header(tmp_path / "toy.h5")
