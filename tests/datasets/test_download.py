"""bvae download, from each of its sources."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import h5py
import pytest
from conftest import Bvae, Result

from bvae_cli.datasets import DATASETS
from bvae_cli.images import store
from bvae_cli.sources.source import RemoteFile

NAME = "dsprites.npz"


@contextmanager
def served(content: bytes, status: int) -> Iterator[str]:
    """A server on this machine that answers everything with some bytes."""

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
def official(monkeypatch: pytest.MonkeyPatch, bvae: Bvae, small_npz: Path) -> Callable[..., Result]:
    """`bvae download dsprites --source official` with the small part of dSprites published on this machine."""

    def run(content: bytes | None = None, status: int = 200) -> Result:
        whole = small_npz.read_bytes()
        with served(whole if content is None else content, status) as url:
            remote = RemoteFile(NAME, (url,), f"sha256:{hashlib.sha256(whole).hexdigest()}")
            entry = DATASETS["dsprites"]
            monkeypatch.setitem(DATASETS, "dsprites", replace(entry, sources={**entry.sources, "official": (remote,)}))
            return bvae("download", "dsprites", "--source", "official")

    return run


def source_of(path: str) -> str:
    content = store.read_header(Path(path))
    assert content is not None
    return content[1]


def left_in_data() -> list[str]:
    """What is there to be taken for data."""
    return sorted(path.name for path in Path("data").rglob("*") if not path.name.startswith("."))


def test_the_rendered_data_set_is_whole_and_the_same_each_time(bvae: Bvae) -> None:
    for folder in ("one", "other"):
        assert bvae("download", "dsprites", "--data", folder).code == 0
    spec, packed, _ = store.read_data_file(Path("one/dsprites.h5"), "dsprites")
    assert packed.shape == (737_280, 512)
    assert spec.factors == {"shape": 3, "scale": 6, "orientation": 40, "posX": 32, "posY": 32}
    assert source_of("one/dsprites.h5") == "procedural"
    assert Path("one/dsprites.h5").read_bytes() == Path("other/dsprites.h5").read_bytes()


def test_the_official_file_is_fetched_checked_and_read(official: Callable[..., Result]) -> None:
    assert official().code == 0
    assert left_in_data() == ["dsprites.h5"]
    assert source_of("data/dsprites.h5") == "official"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"content": b"PK another file"}, "is not the file it should be: its hash differs"),
        ({"content": b"gone", "status": 404}, "answers 404"),
    ],
)
def test_what_the_network_gives_wrong_is_said_and_leaves_nothing(
    official: Callable[..., Result], answer: dict[str, object], said: str
) -> None:
    result = official(**answer)
    assert result.code == 1
    assert said in result.err
    assert "--from" in result.err
    assert left_in_data() == []


def test_a_good_file_is_left_alone_and_force_makes_it_anew(bvae: Bvae, small_npz: Path) -> None:
    command = ("download", "--from", small_npz)
    bvae(*command)
    made = Path("data/dsprites.h5").stat().st_ino
    assert "there already" in bvae(*command).err
    assert Path("data/dsprites.h5").stat().st_ino == made
    assert "is ready" in bvae(*command, "--force").err
    assert Path("data/dsprites.h5").stat().st_ino != made


def test_a_damaged_file_is_made_anew(bvae: Bvae, small_npz: Path) -> None:
    bvae("download", "--from", small_npz)
    whole = Path("data/dsprites.h5").read_bytes()
    Path("data/dsprites.h5").write_bytes(whole[:-100])
    assert "is ready" in bvae("download", "--from", small_npz).err
    assert Path("data/dsprites.h5").read_bytes() == whole


def test_a_good_file_from_elsewhere_is_not_replaced_unasked(bvae: Bvae, small_npz: Path) -> None:
    bvae("download", "--from", small_npz)
    result = bvae("download", "--source", "procedural")
    assert result.code == 1
    assert "not from 'procedural'" in result.err
    assert "--force" in result.err


def test_a_file_that_is_not_ours_is_not_replaced_unasked(bvae: Bvae, small_npz: Path) -> None:
    Path("data").mkdir()
    with h5py.File("data/dsprites.h5", "w") as file:
        file["imgs"] = [1, 2, 3]
    result = bvae("download", "--from", small_npz)
    assert result.code == 1
    assert "no data file of ours" in result.err
    assert "--force" in result.err
    with h5py.File("data/dsprites.h5") as file:
        assert list(file["imgs"]) == [1, 2, 3]


def test_where_an_own_file_lies_does_not_matter(bvae: Bvae, small_npz: Path) -> None:
    Path("copy.npz").write_bytes(small_npz.read_bytes())
    bvae("download", "--from", small_npz, "--data", "one")
    bvae("download", "--from", "copy.npz", "--data", "other")
    assert Path("one/dsprites.h5").read_bytes() == Path("other/dsprites.h5").read_bytes()


def test_an_own_file_may_stand_in_params_yaml(bvae: Bvae, small_npz: Path) -> None:
    Path("params.yaml").write_text(f"dataset: {{file: {small_npz}}}")
    assert bvae("download").code == 0
    assert store.read_data_file(Path("data/dsprites.h5"), "dsprites")[0].num_images == 1536


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("dsprite",), "there is no data set 'dsprite'; did you mean dsprites?"),
        (("--source", "oficial"), "did you mean official?"),
        (("--from", "nowhere.npz"), "there is no file nowhere.npz"),
        (("--source", "procedural", "--from", "small.npz"), "--source and --from exclude each other"),
    ],
)
def test_a_wrong_word_is_answered(bvae: Bvae, arguments: tuple[str, ...], said: str) -> None:
    result = bvae("download", *arguments)
    assert result.code == 1
    assert said in result.err
    assert left_in_data() == []


def test_a_folder_that_cannot_be_written_is_named(bvae: Bvae, small_npz: Path) -> None:
    result = bvae("download", "--from", small_npz, "--data", "/proc/data")
    assert result.code == 1
    assert "/proc/data" in result.err
