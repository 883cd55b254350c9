"""Speed of converting images to a data file, and of training from memory, from disk and from image files.

`python benchmarks/data.py` generates JPEGs of the size of CelebA's, as a zip and as a folder. It converts the zip with
`bvae download celeba`, and in a single thread with Pillow. It then trains from memory, with `--stream`, and with a
DataLoader over the image files. Each measurement runs in a process of its own; all are repeated in rounds.
`--images 202599` generates a zip of the size of CelebA's.
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
from bvae_cli.images.store import COMPRESSION_LEVEL
from bvae_cli.images.stream import open_stream
from bvae_cli.images.unpacking import unpack_images
from bvae_cli.models.vae import VAE
from bvae_cli.sources.source import ReadOptions
from bvae_cli.system.reporting import ignore_progress
from bvae_cli.training.fit import fit

WIDTH, HEIGHT, QUALITY = 178, 218, 88  # size of CelebA's images; this JPEG quality gives about the same 7 kB
DISTINCT_IMAGES = 256  # each is repeated many times in the zip
ROUNDS, WORKERS = 3, 2
CHUNK_IMAGES = 42  # images per HDF5 chunk
MEASURED_SECONDS = 5  # duration of a measurement without training
NET = "higgins_conv"  # network of the CelebA runs
OPEN_IMAGES: dict[str, Callable[[Path, str], ImageSource]] = {"memory": load_images, "stream": open_stream}


class ImageFiles(Dataset[Tensor]):
    """A standard PyTorch data set of image files: each is opened, resized and converted on access."""

    def __init__(self, folder: Path) -> None:
        self.paths = sorted(folder.rglob("*.jpg"))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        return torch.from_numpy(read_resized(self.paths[index])).permute(2, 0, 1).float() / 255


def main() -> None:
    """Parse the options and run one or all measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000, help="number of images in the zip")
    parser.add_argument("--steps", type=int, default=100, help="training steps per measurement")
    parser.add_argument("--gpu", action="store_true", help="train on the first GPU")
    parser.add_argument("--folder", type=Path, help="folder for the generated files; default: a temporary one")
    parser.add_argument("--measurement", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measurement:
        speed = MEASUREMENTS[options.measurement](options)
        print(json.dumps([speed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        options.folder = options.folder or Path(temporary)
        make_images(options.folder, options.images)
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Print the median speed and peak memory of each measurement, and its speed relative to the standard method."""
    results: dict[str, list[list[float]]] = {name: [] for name in MEASUREMENTS}
    for name in [name for _ in range(ROUNDS) for name in MEASUREMENTS]:
        results[name].append(measure_in_process(options, name))
    print(f"{'':26} {'images/s':>10} {'ratio':>6} {'peak memory, MB':>16}")
    for name, rounds in results.items():
        speed, memory = map(statistics.median, zip(*rounds, strict=True))
        task = name.split(",")[0]
        standard = next(other for other in results if other.startswith(task))  # the first of a task
        ratio = speed / statistics.median(other for other, _ in results[standard])
        print(f"{name:26} {speed:10,.0f} {ratio:6.2f} {memory:16,.0f}")


def measure_in_process(options: argparse.Namespace, name: str) -> list[float]:
    """Return the speed in images per second and the peak memory in MB of a measurement in a new process."""
    command = [sys.executable, __file__, "--measurement", name, "--folder", options.folder, "--steps", options.steps]
    command += [*(["--gpu"] if options.gpu else [])]
    process = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE)
    speed_and_memory: list[float] = json.loads(process.stdout)
    return speed_and_memory


def make_images(folder: Path, count: int) -> None:
    """Write `count` images to `folder`/celeba.zip, and the distinct ones among them to `folder`/files."""
    rng = np.random.default_rng(0)
    contents = [random_jpeg(rng) for _ in range(DISTINCT_IMAGES)]
    (folder / "files").mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(contents):
        (folder / "files" / f"{number:06}.jpg").write_bytes(content)
    with zipfile.ZipFile(folder / "celeba.zip", "w") as archive:
        for number in range(count):
            archive.writestr(f"img_align_celeba/{number + 1:06}.jpg", contents[number % DISTINCT_IMAGES])


def random_jpeg(rng: np.random.Generator) -> bytes:
    """Return a JPEG of random clouds in colour."""
    coarse = Image.fromarray(rng.integers(0, 256, (9, 7, 3), dtype=np.uint8))
    fine = Image.fromarray(rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
    clouds = coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    Image.blend(clouds, fine.filter(ImageFilter.GaussianBlur(1)), 0.2).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def read_resized(content: Path | io.BytesIO) -> NDArray[np.uint8]:
    """Return an image, (64, 64, 3), read and resized by Pillow."""
    with Image.open(content) as image:
        return np.array(image.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR))


def measure_conversion(options: argparse.Namespace) -> float:
    """Return the images per second of `bvae download celeba --from`."""
    entry, archive = DATASETS["celeba"], options.folder / "celeba.zip"
    started = time.perf_counter()
    path, _ = download(entry, ReadOptions(entry.spec), None, archive, options.folder, force=True)
    seconds = time.perf_counter() - started
    return len(open_stream(path.parent, "celeba")) / seconds


def measure_pillow(options: argparse.Namespace) -> float:
    """Return the images per second of one thread that reads, decodes and resizes, without storing the result."""
    started = time.perf_counter()
    count = sum(1 for _ in pillow_images(options))
    return count / (time.perf_counter() - started)


def measure_pillow_and_h5py(options: argparse.Namespace) -> float:
    """Return the images per second of the same thread if h5py stores the images, compressed like the data file."""
    started = time.perf_counter()
    with h5py.File(options.folder / "plain.h5", "w") as file:
        shape = (0, 64, 64, 3)
        images = file.create_dataset(
            "images", shape, np.uint8, maxshape=(None, *shape[1:]), chunks=(CHUNK_IMAGES, *shape[1:]),
            compression="gzip", compression_opts=COMPRESSION_LEVEL,
        )  # fmt: skip
        converted = pillow_images(options)
        while block := list(itertools.islice(converted, CHUNK_IMAGES)):
            images.resize(len(images) + len(block), axis=0)
            images[-len(block) :] = block
        return len(images) / (time.perf_counter() - started)


def pillow_images(options: argparse.Namespace) -> Iterator[NDArray[np.uint8]]:
    """Yield the images of the zip, one at a time."""
    with zipfile.ZipFile(options.folder / "celeba.zip") as archive:
        for name in archive.namelist():
            yield read_resized(io.BytesIO(archive.read(name)))


def make_loader(options: argparse.Namespace) -> DataLoader[Tensor]:
    """Return a DataLoader over the image files, with worker processes."""
    files = ImageFiles(options.folder / "files")
    return DataLoader(files, batch_size=BATCH, shuffle=True, drop_last=True, num_workers=WORKERS)


def measure_source(storage: str, options: argparse.Namespace) -> float:
    """Return the images per second of batches that are only unpacked."""
    images = OPEN_IMAGES[storage](options.folder, "celeba")
    return measure_batches(unpack_images(batch, images.spec) for batch in images.batches(BATCH, 0, 0))


def measure_loader(options: argparse.Namespace) -> float:
    """Return the images per second of the DataLoader, over several epochs."""
    batches = make_loader(options)
    return measure_batches(batch for _ in iter(int, 1) for batch in batches)


def measure_batches(batches: Iterator[Tensor]) -> float:
    """Return the images per second of batches, without the first, which includes starting threads and processes."""
    next(batches)
    started = time.perf_counter()
    for count, _ in enumerate(batches, start=1):
        if (seconds := time.perf_counter() - started) > MEASURED_SECONDS:
            return BATCH * count / seconds
    raise AssertionError("batches came to an end")


def measure_training(storage: str, options: argparse.Namespace) -> float:
    """Return the images per second of bvae's training loop."""
    train = {"steps": options.steps, "log_every": LINE, "stream": storage == "stream"}
    model = {"net": NET, "likelihood": "bernoulli"}
    params = build_params(
        {"dataset": {"name": "celeba"}, "model": model, "train": train, "logging": {"checkpoint_minutes": 0}}
    )
    images, device = OPEN_IMAGES[storage](options.folder, "celeba"), torch.device("cuda" if options.gpu else "cpu")
    with tempfile.TemporaryDirectory() as out:
        speeds = [line.images_per_second for line in fit(params, images, device, Path(out), ignore_progress)]
    return statistics.median(speeds[1:])  # without the warm-up


def measure_standard_training(options: argparse.Namespace) -> float:
    """Return the images per second of a standard PyTorch training loop over the image files."""
    device = torch.device("cuda" if options.gpu else "cpu")
    vae = customary(VAE(NET, "bernoulli", 3, 10)).to(device)
    lines = list(customary_loop(vae, make_loader(options), options.steps, device))
    return BATCH * statistics.median(speed for speed, _ in lines[1:])


MEASUREMENTS: dict[str, Callable[[argparse.Namespace], float]] = {
    "conversion, Pillow alone": measure_pillow,
    "conversion, Pillow and h5py": measure_pillow_and_h5py,
    "conversion, bvae": measure_conversion,
    "batches, files": measure_loader,
    "batches, --stream": partial(measure_source, "stream"),
    "batches, memory": partial(measure_source, "memory"),
    "training, files": measure_standard_training,
    "training, --stream": partial(measure_training, "stream"),
    "training, memory": partial(measure_training, "memory"),
}


if __name__ == "__main__":
    main()
