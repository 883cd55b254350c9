"""Each data set from its published format to the figures of a model, with the commands that a user types."""

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

FACES_FACTORS = {name: min(size, 4) for name, size in faces.FACTORS.items()}
TRAIN_OPTIONS = ("--net", "higgins_conv", "--latent-dim", 3, "--steps", 2, "--batch-size", 8, "--cpu", "--stream")

DOWNLOADED: dict[str, tuple[Callable[[Path], Path], int, dict[str, int], tuple[str, ...]]] = {
    "celeba": (miniatures.celeba, 3, dict.fromkeys(miniatures.ATTRIBUTES, 2), ("--source", "attributes")),
    "3dchairs": (miniatures.chairs3d, 3, {"chair": 4, "elevation": 2, "azimuth": 31}, ()),
    "shapes3d": (miniatures.shapes3d, 3, miniatures.SHAPES3D, ()),
    "cars3d": (miniatures.cars3d, 3, {"elevation": 4, "azimuth": 24, "object": 3}, ()),
    "smallnorb": (miniatures.smallnorb, 1, {"category": 5, "elevation": 9, "azimuth": 18, "lighting": 6}, ()),
    "mpi3d_toy": (miniatures.mpi3d, 3, {}, ()),
}
WITH_LABEL_LIST = ("celeba", "smallnorb")


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """Serve the files of a folder on this machine; yield the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def with_local_sources(dataset: Dataset, folder: Path, address: str) -> Dataset:
    """Return a data set whose files are those of a folder, served at an address."""

    def local_copy(remote: RemoteFile) -> RemoteFile:
        content = (folder / remote.name).read_bytes()
        known = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return replace(remote, urls=(f"{address}/{remote.name}",), hash=known, size=len(content))

    sources = {name: tuple(map(local_copy, files)) for name, files in dataset.sources.items() if not callable(files)}
    return replace(dataset, sources=sources)


@pytest.mark.parametrize("name", DOWNLOADED)
def test_a_data_set_from_its_server_to_figures(bvae: Bvae, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    make, channels, factors, source = DOWNLOADED[name]
    archives = Path("archives")
    archives.mkdir()
    make(archives)
    with serve_folder(archives) as address:
        monkeypatch.setitem(DATASETS, name, with_local_sources(DATASETS[name], archives, address))
        downloaded = bvae("download", name, *source)
        assert downloaded.code == 0, downloaded.err
    assert [path.name for path in Path("data").glob("[!.]*")] == [f"{name}.h5"]
    require_chain(bvae, name, channels, factors)


def test_a_folder_of_images_from_download_to_figures(bvae: Bvae) -> None:
    folder = miniatures.image_folder(Path("images"))
    assert bvae("download", "folder", "--from", folder, "--name", "mine").code == 0
    require_chain(bvae, "mine", 3, {})


def test_faces_from_the_model_to_figures(bvae: Bvae, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "FACTORS", FACES_FACTORS)
    assert bvae("download", "faces", "--from", miniatures.faces(Path())).code == 0
    require_chain(bvae, "faces", 1, FACES_FACTORS)


def require_chain(bvae: Bvae, name: str, channels: int, factors: dict[str, int]) -> None:
    """Check that a data file can be used for training, evaluation and figures."""
    images = open_stream(Path("data"), name)
    assert (images.spec.channels, images.spec.factors) == (channels, factors)
    assert bvae("train", "--dataset", name, *TRAIN_OPTIONS).code == 0
    scored = bvae("evaluate", f"runs/{name}/checkpoint.pt", "--metric", "mig", "--cpu")
    assert scored.code == 0, scored.err
    assert ("mig" in json.loads(Path(f"runs/{name}/metrics.json").read_text())) == bool(factors)
    assert ("no ground-truth factors are known" in scored.out) == (not factors)
    assert (f"{len(images):,} images of {name} do not form a full grid" in scored.err) == (name in WITH_LABEL_LIST)
    traverse_options = ("--base-code", "zero", "--range", "data", "--largest-mean-latent", "--frames", 2)
    assert bvae("traverse", f"runs/{name}/checkpoint.pt", *traverse_options).code == 0
    assert bvae("reconstruct", f"runs/{name}/checkpoint.pt").code == 0
    assert iio.imread(f"runs/{name}/reconstruction.png").ndim == (3 if channels == 3 else 2)
    assert len(list(Path(f"runs/{name}/latents").iterdir())) == 1


def test_a_corrupt_image_is_an_error_or_skipped_on_request(bvae: Bvae) -> None:
    folder = miniatures.image_folder(Path("images"))
    (folder / "0.jpg").write_bytes((folder / "0.jpg").read_bytes()[:300])
    (folder / "2.webp").write_text("not an image")
    command = ("download", "folder", "--from", folder, "--name", "mine")
    stopped = bvae(*command)
    assert stopped.code == 1
    assert "0.jpg in images cannot be read" in stopped.err
    assert "--skip-corrupt" in stopped.err
    assert not Path("data/mine.h5").exists()
    skipped = bvae(*command, "--skip-corrupt")
    assert skipped.code == 0
    assert "0.jpg skipped" in skipped.err
    assert "2.webp skipped: it is not a supported image" in skipped.err
    assert len(open_stream(Path("data"), "mine")) == 108


def test_a_file_with_another_crop_is_not_reused(bvae: Bvae) -> None:
    folder = miniatures.celeba(Path())
    assert bvae("download", "celeba", "--from", folder, "--center-crop", 148).code == 0
    assert open_stream(Path("data"), "celeba").spec.center_crop == 148
    failed = bvae("download", "celeba", "--from", folder)
    assert failed.code == 1
    assert "with center_crop 148, not 0" in failed.err


def test_a_missing_folder_is_an_error(bvae: Bvae) -> None:
    failed = bvae("download", "folder", "--from", "nowhere", "--name", "mine")
    assert failed.code == 1
    assert "file or folder not found: nowhere" in failed.err


def test_faces_without_the_model_state_how_to_get_it(bvae: Bvae) -> None:
    failed = bvae("download", "faces")
    assert failed.code == 1
    assert "faces.dmi.unibas.ch/bfm" in failed.err
