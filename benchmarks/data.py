"""How fast pictures become a data file, and what training on them costs from memory, from the disk, and from files.

`python benchmarks/data.py` makes JPEGs of the size of CelebA's, as a zip and as a folder; converts the zip as
`bvae download celeba` does, and in one thread with Pillow and no more; then trains on them from memory, by `--stream`,
and in the customary way, a DataLoader over the image files. Each turn is a process of its own; turns go round.
`--pictures 202599` makes a zip of CelebA's own size.
"""

import argparse
import io
import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import torch
from customary import BATCH, LINE, customary, customary_loop
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from bvae_cli.config import build_params
from bvae_cli.datasets import DATASETS
from bvae_cli.datasets.download import download
from bvae_cli.images.in_memory import ImageSource, load_images
from bvae_cli.images.store import LEVEL
from bvae_cli.images.stream import open_stream
from bvae_cli.images.unpacking import unpack_images
from bvae_cli.models.vae import VAE
from bvae_cli.sources.source import ReadOptions
from bvae_cli.system.reporting import ignore_progress
from bvae_cli.training.fit import fit

WIDTH, HEIGHT, QUALITY = 178, 218, 88  # of CelebA's pictures; the quality gives them the 7 kB that those have
KINDS = 256  # different pictures, each of which is in the zip many times
ROUNDS, WORKERS = 3, 2
CHUNK = 42  # pictures that are compressed together
SECONDS = 5  # that batches are drawn without training
NET = "higgins_conv"  # of the CelebA runs
SOURCES: dict[str, Callable[[Path, str], ImageSource]] = {"memory": load_images, "stream": open_stream}


class Files(Dataset[Tensor]):
    """Image files as customary: each opened, resized and made a float tensor when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.paths = sorted(folder.rglob("*.jpg"))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        return torch.from_numpy(small(self.paths[index])).permute(2, 0, 1).float() / 255


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=20_000, help="in the zip")
    parser.add_argument("--steps", type=int, default=100, help="steps of training a turn")
    parser.add_argument("--gpu", action="store_true", help="train on the first GPU")
    parser.add_argument("--folder", type=Path, help="where to keep the files; default: a temporary one")
    parser.add_argument("--turn", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.turn:
        speed = TURNS[options.turn](options)
        print(json.dumps([speed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        options.folder = options.folder or Path(temporary)
        make_pictures(options.folder, options.pictures)
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Print what each turn took, the median of all rounds, and how many times the customary that is."""
    seen: dict[str, list[list[float]]] = {name: [] for name in TURNS}
    for name in [name for _ in range(ROUNDS) for name in TURNS]:
        seen[name].append(turn(options, name))
    print(f"{'':26} {'pictures/s':>10} {'times':>6} {'peak memory, MB':>16}")
    for name, figures in seen.items():
        speed, memory = map(statistics.median, zip(*figures, strict=True))
        task = name.split(",")[0]
        first = next(other for other in seen if other.startswith(task))  # of a task, the customary way
        times = speed / statistics.median(other for other, _ in seen[first])
        print(f"{name:26} {speed:10,.0f} {times:6.2f} {memory:16,.0f}")


def turn(options: argparse.Namespace, name: str) -> list[float]:
    """Pictures a second and MB of memory at most, of a process of its own."""
    words = [sys.executable, __file__, "--turn", name, "--folder", options.folder, "--steps", options.steps]
    words += [*(["--gpu"] if options.gpu else [])]
    done = subprocess.run(list(map(str, words)), check=True, stdout=subprocess.PIPE)
    figures: list[float] = json.loads(done.stdout)
    return figures


def make_pictures(folder: Path, count: int) -> None:
    """`folder`/celeba.zip with so many pictures, and the different ones among them in `folder`/files."""
    random = np.random.default_rng(0)
    contents = [portrait(random) for _ in range(KINDS)]
    (folder / "files").mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(contents):
        (folder / "files" / f"{number:06}.jpg").write_bytes(content)
    with zipfile.ZipFile(folder / "celeba.zip", "w") as archive:
        for number in range(count):
            archive.writestr(f"img_align_celeba/{number + 1:06}.jpg", contents[number % KINDS])


def portrait(random: np.random.Generator) -> bytes:
    """A JPEG of clouds in colour."""
    coarse = Image.fromarray(random.integers(0, 256, (9, 7, 3), dtype=np.uint8))
    fine = Image.fromarray(random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
    clouds = coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    Image.blend(clouds, fine.filter(ImageFilter.GaussianBlur(1)), 0.2).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def small(content: Path | io.BytesIO) -> NDArray[np.uint8]:
    """(64, 64, 3): a picture as Pillow reads and resizes it."""
    with Image.open(content) as picture:
        return np.array(picture.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR))


def convert(options: argparse.Namespace) -> float:
    """Pictures a second of `bvae download celeba --from`."""
    entry, archive = DATASETS["celeba"], options.folder / "celeba.zip"
    started = time.perf_counter()
    path, _ = download(entry, ReadOptions(entry.spec), None, archive, options.folder, force=True)
    seconds = time.perf_counter() - started
    return len(open_stream(path.parent, "celeba")) / seconds


def convert_plainly(options: argparse.Namespace) -> float:
    """Pictures a second of one thread that reads, decodes and resizes, and keeps nothing."""
    started = time.perf_counter()
    count = sum(1 for _ in plain_pictures(options))
    return count / (time.perf_counter() - started)


def convert_to_hdf5(options: argparse.Namespace) -> float:
    """The same, kept by h5py, compressed as ours are."""
    started = time.perf_counter()
    with h5py.File(options.folder / "plain.h5", "w") as file:
        shape = (0, 64, 64, 3)
        images = file.create_dataset(
            "images", shape, np.uint8, maxshape=(None, *shape[1:]), chunks=(CHUNK, *shape[1:]),
            compression="gzip", compression_opts=LEVEL,
        )  # fmt: skip
        pictures = plain_pictures(options)
        while block := list(itertools.islice(pictures, CHUNK)):
            images.resize(len(images) + len(block), axis=0)
            images[-len(block) :] = block
        return len(images) / (time.perf_counter() - started)


def plain_pictures(options: argparse.Namespace) -> Iterator[NDArray[np.uint8]]:
    """The pictures of the zip, one after the other."""
    with zipfile.ZipFile(options.folder / "celeba.zip") as archive:
        for name in archive.namelist():
            yield small(io.BytesIO(archive.read(name)))


def loader(options: argparse.Namespace) -> DataLoader[Tensor]:
    """Batches of the image files, read by processes of their own."""
    files = Files(options.folder / "files")
    return DataLoader(files, batch_size=BATCH, shuffle=True, drop_last=True, num_workers=WORKERS)


def draw(kind: str, options: argparse.Namespace) -> float:
    """Pictures a second of batches that nothing is done with but unpacking."""
    images = SOURCES[kind](options.folder, "celeba")
    return drawn(unpack_images(batch, images.spec) for batch in images.batches(BATCH, 0, 0))


def draw_files(options: argparse.Namespace) -> float:
    """The same of the customary loader, epoch after epoch."""
    batches = loader(options)
    return drawn(batch for _ in iter(int, 1) for batch in batches)


def drawn(batches: Iterator[Tensor]) -> float:
    """Pictures a second, the first batch apart: with it come threads, processes and the first block."""
    next(batches)
    started = time.perf_counter()
    for count, _ in enumerate(batches, start=1):
        if (seconds := time.perf_counter() - started) > SECONDS:
            return BATCH * count / seconds
    raise AssertionError("batches came to an end")


def train(kind: str, options: argparse.Namespace) -> float:
    """Pictures a second of our loop."""
    chosen = {"steps": options.steps, "log_every": LINE, "stream": kind == "stream"}
    model = {"net": NET, "likelihood": "bernoulli"}
    params = build_params(
        {"dataset": {"name": "celeba"}, "model": model, "train": chosen, "logging": {"checkpoint_minutes": 0}}
    )
    images, device = SOURCES[kind](options.folder, "celeba"), torch.device("cuda" if options.gpu else "cpu")
    with tempfile.TemporaryDirectory() as out:
        speeds = [line.images_per_second for line in fit(params, images, device, Path(out), ignore_progress)]
    return statistics.median(speeds[1:])  # the first line warms up


def train_files(options: argparse.Namespace) -> float:
    """Pictures a second of the customary loop over the image files."""
    device = torch.device("cuda" if options.gpu else "cpu")
    vae = customary(VAE(NET, "bernoulli", 3, 10)).to(device)
    lines = list(customary_loop(vae, loader(options), options.steps, device))
    return BATCH * statistics.median(speed for speed, _ in lines[1:])


TURNS: dict[str, Callable[[argparse.Namespace], float]] = {
    "convert, Pillow alone": convert_plainly,
    "convert, Pillow and h5py": convert_to_hdf5,
    "convert, bvae": convert,
    "batches, files": draw_files,
    "batches, --stream": partial(draw, "stream"),
    "batches, memory": partial(draw, "memory"),
    "training, files": train_files,
    "training, --stream": partial(train, "stream"),
    "training, memory": partial(train, "memory"),
}


if __name__ == "__main__":
    main()
