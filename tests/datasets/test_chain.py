"""Each data set from its published form to its pictures, by the commands that a user types."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import imageio.v3 as iio
import miniatures
import pytest
from conftest import Bvae

from bvae_cli.datasets import DATASETS, faces
from bvae_cli.datasets.dataset import Dataset
from bvae_cli.images.stream import open_stream
from bvae_cli.sources.source import RemoteFile

FEW = {name: min(size, 4) for name, size in faces.FACTORS.items()}
SHORT = ("--net", "higgins_conv", "--latent-dim", 3, "--steps", 2, "--batch-size", 8, "--cpu", "--stream")

FETCHED: dict[str, tuple[Callable[[Path], Path], int, dict[str, int], tuple[str, ...]]] = {
    "celeba": (miniatures.celeba, 3, dict.fromkeys(miniatures.ATTRIBUTES, 2), ("--source", "attributes")),
    "3dchairs": (miniatures.chairs3d, 3, {"chair": 4, "elevation": 2, "azimuth": 31}, ()),
    "shapes3d": (miniatures.shapes3d, 3, miniatures.SHAPES3D, ()),
    "cars3d": (miniatures.cars3d, 3, {"elevation": 4, "azimuth": 24, "object": 3}, ()),
    "smallnorb": (miniatures.smallnorb, 1, {"category": 5, "elevation": 9, "azimuth": 18, "lighting": 6}, ()),
    "mpi3d_toy": (miniatures.mpi3d, 3, {}, ()),
}
LISTED = ("celeba", "smallnorb")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server on this machine that has the files of a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def moved(entry: Dataset, folder: Path, address: str) -> Dataset:
    """A data set whose files are those of a folder, which is served at an address."""

    def there(remote: RemoteFile) -> RemoteFile:
        content = (folder / remote.name).read_bytes()
        known = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return replace(remote, urls=(f"{address}/{remote.name}",), hash=known, size=len(content))

    sources = {name: tuple(map(there, files)) for name, files in entry.sources.items() if not callable(files)}
    return replace(entry, sources=sources)


@pytest.mark.parametrize("name", FETCHED)
def test_a_data_set_goes_from_its_server_to_its_pictures(
    bvae: Bvae, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make, channels, factors, source = FETCHED[name]
    shelf = Path("shelf")
    shelf.mkdir()
    make(shelf)
    with served(shelf) as address:
        monkeypatch.setitem(DATASETS, name, moved(DATASETS[name], shelf, address))
        fetched = bvae("download", name, *source)
        assert fetched.code == 0, fetched.err
    assert [path.name for path in Path("data").glob("[!.]*")] == [f"{name}.h5"]
    require_chain(bvae, name, channels, factors)


def test_a_folder_of_pictures_goes_all_the_way(bvae: Bvae) -> None:
    own = miniatures.pictures(Path("pictures"))
    assert bvae("download", "folder", "--from", own, "--name", "mine").code == 0
    require_chain(bvae, "mine", 3, {})


def test_faces_go_from_the_model_to_their_pictures(bvae: Bvae, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "FACTORS", FEW)
    assert bvae("download", "faces", "--from", miniatures.faces(Path())).code == 0
    require_chain(bvae, "faces", 1, FEW)


def require_chain(bvae: Bvae, name: str, channels: int, factors: dict[str, int]) -> None:
    """A data file is trained on, and the model scored and drawn."""
    images = open_stream(Path("data"), name)
    assert (images.spec.channels, images.spec.factors) == (channels, factors)
    assert bvae("train", "--dataset", name, *SHORT).code == 0
    scored = bvae("evaluate", f"runs/{name}/checkpoint.pt", "--metric", "mig", "--cpu")
    assert scored.code == 0, scored.err
    assert ("mig" in json.loads(Path(f"runs/{name}/metrics.json").read_text())) == bool(factors)
    assert ("no factors are known" in scored.out) == (not factors)
    assert (f"{len(images):,} pictures of {name} are a list" in scored.err) == (name in LISTED)
    zero = ("--base-code", "zero", "--range", "data", "--largest-mean-latent", "--frames", 2)
    assert bvae("traverse", f"runs/{name}/checkpoint.pt", *zero).code == 0
    assert bvae("reconstruct", f"runs/{name}/checkpoint.pt").code == 0
    assert iio.imread(f"runs/{name}/reconstruction.png").ndim == (3 if channels == 3 else 2)
    assert len(list(Path(f"runs/{name}/latents").iterdir())) == 1


def test_a_corrupt_picture_stops_or_is_left_out_as_the_user_says(bvae: Bvae) -> None:
    folder = miniatures.pictures(Path("pictures"))
    (folder / "0.jpg").write_bytes((folder / "0.jpg").read_bytes()[:300])
    (folder / "2.webp").write_text("no picture")
    command = ("download", "folder", "--from", folder, "--name", "mine")
    stopped = bvae(*command)
    assert stopped.code == 1
    assert "0.jpg in pictures cannot be read" in stopped.err
    assert "--skip-corrupt" in stopped.err
    assert not Path("data/mine.h5").exists()
    skipped = bvae(*command, "--skip-corrupt")
    assert skipped.code == 0
    assert "0.jpg is left out" in skipped.err
    assert "2.webp is left out: it is no picture" in skipped.err
    assert len(open_stream(Path("data"), "mine")) == 108


def test_another_crop_than_the_file_s_is_not_taken_for_it(bvae: Bvae) -> None:
    own = miniatures.celeba(Path())
    assert bvae("download", "celeba", "--from", own, "--center-crop", 148).code == 0
    assert open_stream(Path("data"), "celeba").spec.center_crop == 148
    refused = bvae("download", "celeba", "--from", own)
    assert refused.code == 1
    assert "with center_crop 148, not 0" in refused.err


def test_a_folder_that_is_not_there_is_named(bvae: Bvae) -> None:
    refused = bvae("download", "folder", "--from", "nowhere", "--name", "mine")
    assert refused.code == 1
    assert "there is no file nowhere" in refused.err


def test_faces_without_the_model_say_how_to_get_it(bvae: Bvae) -> None:
    refused = bvae("download", "faces")
    assert refused.code == 1
    assert "faces.dmi.unibas.ch/bfm" in refused.err
