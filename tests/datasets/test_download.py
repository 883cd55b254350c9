"""`bvae download` from each of its sources."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import h5py
import pytest
from conftest import Bvae, Result
from PIL import Image

from bvae_cli.datasets import DATASETS
from bvae_cli.images import store
from bvae_cli.images.in_memory import load_images
from bvae_cli.sources.source import RemoteFile

NAME = "dsprites.npz"


@contextmanager
def serve(content: bytes, status: int) -> Iterator[str]:
    """Serve the same bytes for every request on this machine; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/{NAME}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def download_official(monkeypatch: pytest.MonkeyPatch, bvae: Bvae, small_npz: Path) -> Callable[..., Result]:
    """Return a function that runs `bvae download dsprites --source official` with a small part of dSprites."""

    def run(content: bytes | None = None, status: int = 200) -> Result:
        original = small_npz.read_bytes()
        with serve(original if content is None else content, status) as url:
            remote = RemoteFile(NAME, (url,), f"sha256:{hashlib.sha256(original).hexdigest()}")
            entry = DATASETS["dsprites"]
            monkeypatch.setitem(DATASETS, "dsprites", replace(entry, sources={**entry.sources, "official": (remote,)}))
            return bvae("download", "dsprites", "--source", "official")

    return run


def stored_source(path: str) -> str:
    content = store.read_header(Path(path))
    assert content is not None
    return content[1]


def visible_files() -> list[str]:
    """Return the names of all files in data/ that are not hidden."""
    return sorted(path.name for path in Path("data").rglob("*") if not path.name.startswith("."))


def test_the_rendered_data_set_is_complete_and_reproducible(bvae: Bvae) -> None:
    for folder in ("one", "other"):
        assert bvae("download", "dsprites", "--data", folder).code == 0
    spec, packed, _ = store.read_data_file(Path("one/dsprites.h5"), "dsprites")
    assert packed.shape == (737_280, 512)
    assert spec.factors == {"shape": 3, "scale": 6, "orientation": 40, "posX": 32, "posY": 32}
    assert stored_source("one/dsprites.h5") == "procedural"
    assert Path("one/dsprites.h5").read_bytes() == Path("other/dsprites.h5").read_bytes()


def test_the_official_file_is_downloaded_verified_and_converted(download_official: Callable[..., Result]) -> None:
    assert download_official().code == 0
    assert visible_files() == ["dsprites.h5"]
    assert stored_source("data/dsprites.h5") == "official"


@pytest.mark.parametrize(
    ("response", "message"),
    [
        ({"content": b"PK another file"}, "provides the wrong file: its hash differs"),
        ({"content": b"gone", "status": 404}, "returns status 404"),
    ],
)
def test_a_failed_download_is_an_error_and_leaves_nothing(
    download_official: Callable[..., Result], response: dict[str, object], message: str
) -> None:
    result = download_official(**response)
    assert result.code == 1
    assert message in result.err
    assert "--from" in result.err
    assert visible_files() == []


def test_a_valid_file_is_reused_unless_forced(bvae: Bvae, small_npz: Path) -> None:
    command = ("download", "--from", small_npz)
    bvae(*command)
    inode = Path("data/dsprites.h5").stat().st_ino
    assert "exists already and is valid" in bvae(*command).err
    assert Path("data/dsprites.h5").stat().st_ino == inode
    assert "is ready" in bvae(*command, "--force").err
    assert Path("data/dsprites.h5").stat().st_ino != inode


def test_a_corrupt_file_is_created_again(bvae: Bvae, small_npz: Path) -> None:
    bvae("download", "--from", small_npz)
    original = Path("data/dsprites.h5").read_bytes()
    Path("data/dsprites.h5").write_bytes(original[:-100])
    assert "is ready" in bvae("download", "--from", small_npz).err
    assert Path("data/dsprites.h5").read_bytes() == original


def test_a_valid_file_from_another_source_is_not_replaced_without_force(bvae: Bvae, small_npz: Path) -> None:
    bvae("download", "--from", small_npz)
    result = bvae("download", "--source", "procedural")
    assert result.code == 1
    assert "not from 'procedural'" in result.err
    assert "--force" in result.err


def test_a_file_of_another_program_is_not_replaced_without_force(bvae: Bvae, small_npz: Path) -> None:
    Path("data").mkdir()
    with h5py.File("data/dsprites.h5", "w") as file:
        file["imgs"] = [1, 2, 3]
    result = bvae("download", "--from", small_npz)
    assert result.code == 1
    assert "is not a bvae data file" in result.err
    assert "--force" in result.err
    with h5py.File("data/dsprites.h5") as file:
        assert list(file["imgs"]) == [1, 2, 3]


def test_the_location_of_the_user_s_file_does_not_matter(bvae: Bvae, small_npz: Path) -> None:
    Path("copy.npz").write_bytes(small_npz.read_bytes())
    bvae("download", "--from", small_npz, "--data", "one")
    bvae("download", "--from", "copy.npz", "--data", "other")
    assert Path("one/dsprites.h5").read_bytes() == Path("other/dsprites.h5").read_bytes()


def test_the_user_s_file_can_be_set_in_params_yaml(bvae: Bvae, small_npz: Path) -> None:
    Path("params.yaml").write_text(f"dataset: {{file: {small_npz}}}")
    assert bvae("download").code == 0
    assert store.read_data_file(Path("data/dsprites.h5"), "dsprites")[0].num_images == 384


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("dsprite",), "data set 'dsprite' not found; did you mean dsprites?"),
        (("--source", "oficial"), "did you mean official?"),
        (("--from", "nowhere.npz"), "file or folder not found: nowhere.npz"),
        (("--source", "procedural", "--from", "small.npz"), "--source and --from are mutually exclusive"),
    ],
)
def test_invalid_arguments_are_an_error(bvae: Bvae, arguments: tuple[str, ...], message: str) -> None:
    result = bvae("download", *arguments)
    assert result.code == 1
    assert message in result.err
    assert visible_files() == []


def test_a_folder_that_cannot_be_written_is_an_error(bvae: Bvae, small_npz: Path) -> None:
    result = bvae("download", "--from", small_npz, "--data", "/proc/data")
    assert result.code == 1
    assert "/proc/data" in result.err


def test_a_file_name_that_is_not_utf_8_is_read(bvae: Bvae) -> None:
    Path("mine").mkdir()
    for name in ("a.png", os.fsdecode(b"\xe9.png")):
        Image.new("L", (64, 64), len(name)).save(Path("mine", name))
    result = bvae("download", "folder", "--from", "mine", "--name", "mine")
    assert result.code == 0, result.err
    assert len(load_images(Path("data"), "mine")) == 2
