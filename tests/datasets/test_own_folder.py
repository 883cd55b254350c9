"""Folders of images as people have them: odd metadata, links, other files, any common format."""

import os
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import Bvae
from PIL import Image, features

from bvae_cli.images import store

PIXELS = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)


def read_folder(bvae: Bvae, folder: str = "p", *options: str) -> np.ndarray:
    """Return the images, (images, bytes), of the data file made from a folder."""
    done = bvae("download", "folder", "--from", folder, "--name", "mine", "--force", *options)
    assert done.code == 0, done.err
    return store.read_data_file(Path("data/mine.h5"), "mine")[1]


def as_row(pixels: np.ndarray) -> np.ndarray:
    return np.moveaxis(pixels, -1, 0).reshape(-1)


def png_with(kind: bytes, content: bytes) -> bytes:
    """Return a PNG file of PIXELS with one more chunk after its header."""
    Image.fromarray(PIXELS).save("plain.png")
    plain = Path("plain.png").read_bytes()
    chunk = struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return plain[:33] + chunk + plain[33:]


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (b"eXIf", b"not exif"),
        (b"iCCP", b"profile\0\0" + zlib.compress(bytes(10**8))),
        (b"zTXt", b"comment\0\0" + zlib.compress(b"x" * 10**8)),
        (b"iTXt", b"comment\0\1\0\0\0" + zlib.compress(b"x" * 10**8)),
        (b"zTXt", b"comment\0\7broken"),
        (b"tEXt", b"x" * 10**6),
    ],
)
def test_odd_metadata_of_a_png_is_ignored(bvae: Bvae, kind: bytes, content: bytes) -> None:
    Path("p").mkdir()
    Path("p/a.png").write_bytes(png_with(kind, content))
    assert np.array_equal(read_folder(bvae), [as_row(PIXELS)])


def exif(*entries: tuple[int, int, int, int]) -> bytes:
    """Return EXIF data with entries of tag, type, count and value."""
    directory = b"".join(struct.pack("<HHLL", *entry[:3], entry[3] & 0xFFFFFFFF) for entry in entries)
    return b"Exif\0\0II*\0" + struct.pack("<LH", 8, len(entries)) + directory + struct.pack("<L", 0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_upright_whatever_else_their_exif_data_has(bvae: Bvae, orientation: int) -> None:
    Path("p").mkdir()
    blocks = np.kron(PIXELS[:4, :4], np.ones((16, 16, 1), np.uint8))
    Image.fromarray(blocks).save("p/a.png", exif=exif((256, 9, 1, -1), (274, 3, 1, orientation)))
    upright = {
        1: blocks,
        2: blocks[:, ::-1],
        3: blocks[::-1, ::-1],
        4: blocks[::-1],
        5: blocks.swapaxes(0, 1),
        6: np.rot90(blocks, -1),
        7: blocks[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(blocks),
    }
    assert np.array_equal(read_folder(bvae), [as_row(upright[orientation])])


def test_a_jpeg_with_broken_exif_data_is_read_by_every_command(bvae: Bvae, checkpoint: Path) -> None:
    Path("p").mkdir()
    image = Image.new("RGB", (64, 64), (255, 0, 0))
    image.save("p/a.jpg", exif=exif((256, 9, 1, -1), (274, 3, 1, 6)))
    image.save("p/b.jpg", exif=b"Exif\0\0II*\0" + b"\xff" * 60)
    assert len(read_folder(bvae)) == 2
    assert bvae("reconstruct", checkpoint, "--image", "p/a.jpg", "--image", "p/b.jpg", "--out", "o").code == 0


def test_a_colour_image_stays_coloured_among_grey_images_with_odd_metadata(bvae: Bvae) -> None:
    Path("p").mkdir()
    Image.new("L", (64, 64), 9).save("p/a.png")
    Path("p/b.png").write_bytes(png_with(b"zTXt", b"comment\0\0" + zlib.compress(b"x" * 10**8)))
    assert np.array_equal(read_folder(bvae)[1], as_row(PIXELS))


FORMATS = [
    ".jpg",
    ".jfif",
    ".png",
    ".webp",
    ".gif",
    ".bmp",
    ".ppm",
    ".tif",
    *([".avif"] if features.check("avif") else []),
]


@pytest.mark.parametrize("suffix", FORMATS)
def test_common_formats_are_read(bvae: Bvae, suffix: str) -> None:
    Path("p").mkdir()
    Image.new("RGB", (64, 64), (200, 100, 50)).save(f"p/A{suffix.upper()}", {".jfif": "JPEG"}.get(suffix))
    row = read_folder(bvae)[0].reshape(3, 64, 64)
    assert np.abs(row.astype(int).mean(axis=(1, 2)) - (200, 100, 50)).max() < 6


def test_other_files_are_not_opened_but_counted(bvae: Bvae) -> None:
    Path("p/.git").mkdir(parents=True)
    Image.new("L", (64, 64)).save("p/a.png")
    Image.new("L", (64, 64)).save("p/.git/b.png")
    with Path("p/film.mp4").open("wb") as film:
        film.truncate(10**11)
    for name in ("a.heic", "b.heic", "notes"):
        Path("p", name).write_text("?")
    Path("p/endless.bin").symlink_to("/dev/zero")
    os.mkfifo("p/pipe")
    done = bvae("download", "folder", "--from", "p", "--name", "mine")
    assert done.code == 0, done.err
    others = "6 other files in p are not read: 2 .heic, 2 without an ending, 1 .mp4, 1 .bin."
    assert sorted(others) == sorted(next(line for line in done.err.splitlines() if "other files" in line))
    assert store.read_data_file(Path("data/mine.h5"), "mine")[0].num_images == 1


def test_a_folder_without_images_is_an_error_that_names_what_is_there(bvae: Bvae) -> None:
    Path("p").mkdir()
    Path("p/a.heic").write_text("?")
    done = bvae("download", "folder", "--from", "p", "--name", "mine")
    assert done.code == 1
    assert "no images of this data set found in p; 1 other files in p are not read: 1 .heic" in done.err


def test_links_to_images_give_the_same_data_as_the_images(bvae: Bvae) -> None:
    Path("p").mkdir()
    Path("real").mkdir()
    for number in range(5):
        Image.new("L", (64, 64), 30 * number).save(f"real/{number}.png")
        Path(f"p/{number}.png").symlink_to(f"../real/{number}.png")
    Path("p/loop").symlink_to(".")
    assert np.array_equal(read_folder(bvae, "real"), read_folder(bvae, "p"))


def test_a_link_without_a_target_is_named_and_can_be_skipped(bvae: Bvae) -> None:
    Path("p").mkdir()
    Image.new("L", (64, 64), 30).save("p/a.png")
    Path("p/b.png").symlink_to("nowhere")
    done = bvae("download", "folder", "--from", "p", "--name", "mine")
    assert done.code == 1
    assert "b.png in p cannot be read" in done.err
    assert "--skip-corrupt" in done.err
    assert len(read_folder(bvae, "p", "--skip-corrupt")) == 1


def test_images_that_are_not_square_are_counted(bvae: Bvae) -> None:
    Path("p").mkdir()
    for name, size in (("a", (64, 64)), ("b", (100, 50)), ("c", (50, 100))):
        Image.new("L", size).save(f"p/{name}.png")
    done = bvae("download", "folder", "--from", "p", "--name", "mine")
    assert "2 of 3 images are not square: they were compressed to 64 × 64 pixels." in done.err
    assert "not square" not in bvae("download", "folder", "--from", "p", "--name", "m2", "--center-crop", 50).err


def test_deeply_nested_folders_are_read(bvae: Bvae) -> None:
    Path("p").mkdir()
    os.chdir("p")
    for _ in range(1100):
        os.mkdir("d")  # noqa: PTH102 - relative to the folder just entered
        os.chdir("d")
    Image.new("L", (64, 64)).save("a.png")
    os.chdir("/".join([".."] * 1101))
    try:
        assert len(read_folder(bvae)) == 1
    finally:
        subprocess.run(["rm", "-r", "p"], check=True)  # pytest cannot remove it: shutil.rmtree is recursive


@pytest.mark.parametrize("name", ["faces", "dsprites", "mpi3d_real_complex"])
def test_the_name_of_another_data_set_is_refused(bvae: Bvae, name: str) -> None:
    Path("p").mkdir()
    done = bvae("download", "folder", "--from", "p", "--name", name)
    assert done.code == 1
    assert f"--name {name} is the name of another data set" in done.err
