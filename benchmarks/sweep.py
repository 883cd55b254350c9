"""How fast many models are trained: stacked in one step, one after another, and in a process each.

`python benchmarks/sweep.py` prints models × steps a second by number of models, and the ratio to one after another.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import torch

from bvae_cli.checkpoint import build_vae
from bvae_cli.config import build_params
from bvae_cli.images.in_memory import Images, load_images
from bvae_cli.system.device import select_device
from bvae_cli.training.model_batch import ModelBatch
from bvae_cli.training.trainer import Trainer

WARM_UP = 5  # steps that are not timed


def main() -> None:
    """Time each way, for each number of models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of dsprites.h5")
    parser.add_argument("--models", type=int, nargs="+", default=[1, 2, 4, 8, 16], help="numbers of models")
    parser.add_argument("--steps", type=int, default=40, help="timed steps of each model")
    parser.add_argument("--net", default="burgess", help="burgess, higgins_conv, higgins_mlp or locatello")
    parser.add_argument("--precision", default="float32", help="float32 or bfloat16")
    parser.add_argument("--gpu", action="store_true", help="on the first GPU")
    options = parser.parse_args()
    device = select_device(None, not options.gpu)
    print(f"{options.net}, {options.precision}, {device}, {torch.get_num_threads()} threads; models x steps a second")
    print("models  stacked  one after another  a process each  stacked / one after another")
    for count in options.models:
        stacked, single, apart = (way(count, options, device) for way in (together, in_turn, in_processes))
        print(f"{count:6}  {stacked:7.1f}  {single:17.1f}  {apart:14.1f}  {stacked / single:27.2f}", flush=True)


def made(seed: int, images: Images, options: argparse.Namespace, device: torch.device) -> Trainer:
    """A model at its beginning."""
    model, train = {"net": options.net}, {"seed": seed, "precision": options.precision}
    params = build_params({"model": model, "train": train})
    return Trainer(build_vae(params, images.spec).to(device), images.spec, params, device)


def together(count: int, options: argparse.Namespace, device: torch.device) -> float:
    """All models in one step."""
    images = load_images(options.data, "dsprites").to(device)
    stack = ModelBatch([made(seed, images, options, device) for seed in range(count)])
    batches = [images.batches(64, seed, 0) for seed in range(count)]

    def step(number: int) -> None:
        stack.step([next(each) for each in batches], [number] * count)

    return count * rate(step, options.steps, device)


def in_turn(count: int, options: argparse.Namespace, device: torch.device) -> float:
    """One model after another: each has the machine for itself, so that one tells of all."""
    images = load_images(options.data, "dsprites").to(device)
    model, batches = made(0, images, options, device), images.batches(64, 0, 0)
    return rate(lambda number: model.step(next(batches), number), options.steps, device)


def in_processes(count: int, options: argparse.Namespace, device: torch.device) -> float:
    """A process for each model, all at once, a thread each on a processor."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(count)
    times: Queue[float] = context.Queue()
    processes = [context.Process(target=alone, args=(options, device, ready, times)) for _ in range(count)]
    for process in processes:
        process.start()
    seconds = [times.get(timeout=600) for _ in processes]
    for process in processes:
        process.join()
    return float(count * options.steps / max(seconds))


def alone(options: argparse.Namespace, device: torch.device, ready: Barrier, times: "Queue[float]") -> None:
    """One of the processes: it begins when all are ready, and says how long it took."""
    torch.set_num_threads(1)
    images = load_images(options.data, "dsprites").to(device)
    model, batches = made(0, images, options, device), images.batches(64, 0, 0)
    for number in range(WARM_UP):
        model.step(next(batches), number)
    ready.wait(timeout=600)
    begun = time.perf_counter()
    for number in range(options.steps):
        model.step(next(batches), WARM_UP + number)
    model.running_averages()  # which waits for a GPU
    times.put(time.perf_counter() - begun)


def rate(step: Callable[[int], None], steps: int, device: torch.device) -> float:
    """Steps a second."""
    for number in range(WARM_UP):
        step(number)
    settle(device)
    begun = time.perf_counter()
    for number in range(steps):
        step(WARM_UP + number)
    settle(device)
    return steps / (time.perf_counter() - begun)


def settle(device: torch.device) -> None:
    """Wait for what a GPU has been given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
