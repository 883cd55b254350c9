"""Speed of training: our loop against a loop written in the usual way, in separate processes that alternate.

`python benchmarks/training.py` prints steps per second, their ratio, and the share of the peak throughput;
`--stream` adds our loop with images read from disk; `--busy N` lets N processes multiply matrices beside it; `--curves`
compares the losses of both loops instead.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from customary import BATCH, LINE, customary, customary_loop
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from bvae_cli.config import build_params
from bvae_cli.images.in_memory import Images, ImageSource, load_images
from bvae_cli.images.stream import open_stream
from bvae_cli.models.vae import VAE
from bvae_cli.system.reporting import ignore_progress
from bvae_cli.training.fit import fit

ROUNDS = 3
LOOPS = {"plain": "float32", "float32": "float32", "bfloat16": "bfloat16"}
COMPETITOR = """
import os, threading, torch
threading.Thread(target=lambda: os.read(0, 1) or os._exit(0), daemon=True).start()  # ends with the benchmark
torch.set_num_threads(1)
matrix = torch.randn(1024, 1024)
while True:
    matrix @ matrix
"""
WINDOW = 500  # steps that a point of the curves is a mean of


class Items(Dataset[Tensor]):
    """dSprites as customary: unpacked in memory, an item at a time made a float tensor. A ninth, for want of memory."""

    def __init__(self, images: Images) -> None:
        self.pixels = (images[::9] > 0).to(torch.uint8)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> Tensor:
        return self.pixels[index].float()


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of dsprites.h5")
    parser.add_argument("--steps", type=int, default=200, help="steps a turn")
    parser.add_argument("--gpu", action="store_true", help="on the first GPU")
    parser.add_argument("--stream", action="store_true", help="our loop from the disk, too")
    parser.add_argument("--busy", type=int, default=0, metavar="N", help="competing processes")
    parser.add_argument("--curves", action="store_true", help="losses over --steps, three seeds each")
    parser.add_argument("--loop", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.loop:
        print(json.dumps(list(lines(options))))
    elif options.curves:
        compare_curves(options)
    else:
        with competitors(options.busy):
            compare_speeds(options)


@contextmanager
def competitors(number: int) -> Iterator[None]:
    """Run processes that use one core each, within the block."""
    words = [sys.executable, "-c", COMPETITOR]
    processes = [subprocess.Popen(words, stdin=subprocess.PIPE) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def compare_speeds(options: argparse.Namespace) -> None:
    """Print the steps per second of each loop, run alternately, and the ratio to the plain loop."""
    device = "cuda" if options.gpu else "cpu"
    loops = [*LOOPS, *(["float32 stream", "bfloat16 stream"] if options.stream else [])]
    speeds: dict[str, list[float]] = {loop: [] for loop in loops}
    for _ in range(ROUNDS):
        for loop in loops:
            speeds[loop] += [speed for speed, _ in turn(options, loop)[1:]]  # the first line warms up
    plain = statistics.median(speeds["plain"])
    print(f"{'loop':16} {'steps/s':>9} {'ms/step':>10} {'times plain':>12} {'share of the peak':>18}")
    for loop, seen in speeds.items():
        speed, precision = statistics.median(seen), LOOPS[loop.split()[0]]
        share = operations() * speed / peak(device, precision)
        print(f"{loop:16} {speed:9.1f} {1000 / speed:10.1f} {speed / plain:12.2f} {share:18.0%}")
    for precision in ("float32", "bfloat16"):
        floor = max(operations() / peak(device, precision), traffic(precision) / bandwidth(device))
        print(f"floor in {precision}: {1000 * floor:.2f} ms ({operations() / 1e9:.2f} GFLOP at ", end="")
        print(f"{peak(device, precision) / 1e9:,.0f} GFLOP/s, {traffic(precision) / 1e6:.0f} MB at ", end="")
        print(f"{bandwidth(device) / 1e9:,.0f} GB/s)")


def compare_curves(options: argparse.Namespace) -> None:
    """Print the mean losses of each loop, nats per image, as minimum and maximum over three seeds."""
    curves = {
        loop: [[loss for _, loss in turn(options, loop, seed)] for seed in range(3)] for loop in LOOPS
    }  # (loops, seeds, lines)
    print(f"{'steps':>14}" + "".join(f"{loop:>22}" for loop in curves))
    for start in range(0, options.steps, WINDOW):
        window = slice(start // LINE, (start + WINDOW) // LINE)
        print(f"{start:6} – {start + WINDOW:5}", end="")
        for seeds in curves.values():
            means = [statistics.mean(losses[window]) for losses in seeds]
            print(f"{min(means):12.1f} – {max(means):7.1f}", end="")
        print()


def turn(options: argparse.Namespace, loop: str, seed: int = 0) -> list[tuple[float, float]]:
    """Speed and loss of each line of a loop, run in a process of its own."""
    words = [sys.executable, __file__, "--loop", loop, "--seed", str(seed), "--steps", str(options.steps)]
    words += ["--data", str(options.data), *(["--gpu"] if options.gpu else [])]
    lines: list[tuple[float, float]] = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout)
    return lines


def lines(options: argparse.Namespace) -> Iterator[tuple[float, float]]:
    """Yield steps per second and mean loss for every `LINE` steps of a loop."""
    device = torch.device("cuda" if options.gpu else "cpu")
    if options.loop == "plain":
        yield from plain(load_images(options.data, "dsprites"), options.steps, options.seed, device)
        return
    precision, streamed = LOOPS[options.loop.split()[0]], "stream" in options.loop
    train = {"steps": options.steps, "log_every": LINE, "seed": options.seed}
    params = build_params(
        {"train": train | {"precision": precision, "stream": streamed}, "logging": {"checkpoint_minutes": 0}}
    )
    images: ImageSource = (open_stream if streamed else load_images)(options.data, "dsprites")
    with tempfile.TemporaryDirectory() as folder:
        for progress in fit(params, images, device, Path(folder), ignore_progress):
            yield progress.images_per_second / BATCH, progress.loss


def plain(images: Images, steps: int, seed: int, device: torch.device) -> Iterator[tuple[float, float]]:
    """The customary loop over dSprites."""
    torch.manual_seed(seed)
    loader = DataLoader(Items(images), batch_size=BATCH, shuffle=True, drop_last=True)
    yield from customary_loop(customary(VAE("burgess", "bernoulli", 1, 10)).to(device), loader, steps, device)


def operations() -> int:
    """Return the floating-point operations per step, multiplications and additions."""
    vae = customary(VAE("burgess", "bernoulli", 1, 10))
    with FlopCounterMode(display=False) as counter:
        vae(torch.zeros(BATCH, 1, 64, 64), torch.zeros(BATCH, 10)).reconstruction_loss.sum().backward()
    return int(counter.get_total_flops())


def traffic(precision: str) -> float:
    """Return the bytes per step if each layer reads and writes its tensors once forward and twice backward."""
    moved = 0

    def count(layer: nn.Module, given: tuple[Tensor], made: Tensor) -> None:
        nonlocal moved
        moved += given[0].numel() + made.numel()

    vae = VAE("burgess", "bernoulli", 1, 10)
    for layer in vae.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(count)
    vae(torch.zeros(BATCH, 1, 64, 64), torch.zeros(BATCH, 10))
    weights = sum(weight.numel() for weight in vae.parameters())
    return 3 * moved * (2 if precision == "bfloat16" else 4) + 9 * weights * 4


def peak(device: str, precision: str, side: int = 2048) -> float:
    """Operations a second in a product of matrices."""
    one, other = torch.randn(2, side, side, device=device, dtype=getattr(torch, precision))
    return 2 * side**3 / quickest(lambda: one @ other, device)


def bandwidth(device: str) -> float:
    """Return the bytes per second read and written in a copy."""
    one = torch.empty(2**28, dtype=torch.uint8, device=device)
    other = torch.empty_like(one)
    return 2 * one.numel() / quickest(lambda: other.copy_(one), device)


def quickest(work: Callable[[], object], device: str) -> float:
    """Seconds that some work takes at its best."""
    seconds = []
    for _ in range(20):
        started = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


if __name__ == "__main__":
    main()
