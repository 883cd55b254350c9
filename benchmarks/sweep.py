"""Training speed of several models: jointly in one batch (vmap), one after another, and in one process per model.

`python benchmarks/sweep.py` prints models × steps per second by number of models, and the speed-up of joint training.
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

WARMUP_STEPS = 5  # not timed


def main() -> None:
    """Time each method for each number of models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of dsprites.h5")
    parser.add_argument("--models", type=int, nargs="+", default=[1, 2, 4, 8, 16], help="numbers of models")
    parser.add_argument("--steps", type=int, default=40, help="timed steps of each model")
    parser.add_argument("--net", default="burgess", help="burgess, higgins_conv, higgins_mlp or locatello")
    parser.add_argument("--precision", default="float32", help="float32 or bfloat16")
    parser.add_argument("--gpu", action="store_true", help="on the first GPU")
    options = parser.parse_args()
    device = select_device(None, not options.gpu)
    print(f"{options.net}, {options.precision}, {device}, {torch.get_num_threads()} threads; models x steps per second")
    print("models  jointly  one after another  one process each  jointly / one after another")
    for count in options.models:
        methods = (train_jointly, train_sequentially, train_in_processes)
        joint, sequential, parallel = (method(count, options, device) for method in methods)
        print(f"{count:6}  {joint:7.1f}  {sequential:17.1f}  {parallel:16.1f}  {joint / sequential:27.2f}", flush=True)


def make_trainer(seed: int, images: Images, options: argparse.Namespace, device: torch.device) -> Trainer:
    """Return the trainer of a new model."""
    model, train = {"net": options.net}, {"seed": seed, "precision": options.precision}
    params = build_params({"model": model, "train": train})
    return Trainer(build_vae(params, images.spec).to(device), images.spec, params, device)


def train_jointly(count: int, options: argparse.Namespace, device: torch.device) -> float:
    """Return the speed of training all models jointly."""
    images = load_images(options.data, "dsprites").to(device)
    batch = ModelBatch([make_trainer(seed, images, options, device) for seed in range(count)])
    batches = [images.batches(64, seed, 0) for seed in range(count)]

    def step(number: int) -> None:
        batch.step([next(each) for each in batches], [number] * count)

    return count * steps_per_second(step, options.steps, device)


def train_sequentially(count: int, options: argparse.Namespace, device: torch.device) -> float:
    """Return the speed of training one model after another; it does not depend on their number, so one is trained."""
    images = load_images(options.data, "dsprites").to(device)
    model, batches = make_trainer(0, images, options, device), images.batches(64, 0, 0)
    return steps_per_second(lambda number: model.step(next(batches), number), options.steps, device)


def train_in_processes(count: int, options: argparse.Namespace, device: torch.device) -> float:
    """Return the speed of training each model in its own process, with one thread each on a CPU."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(count)
    times: Queue[float] = context.Queue()
    processes = [context.Process(target=run_process, args=(options, device, ready, times)) for _ in range(count)]
    for process in processes:
        process.start()
    seconds = [times.get(timeout=600) for _ in processes]
    for process in processes:
        process.join()
    return float(count * options.steps / max(seconds))


def run_process(options: argparse.Namespace, device: torch.device, ready: Barrier, times: "Queue[float]") -> None:
    """Train one model in a process; it starts when all processes are ready and reports its time in seconds."""
    torch.set_num_threads(1)
    images = load_images(options.data, "dsprites").to(device)
    model, batches = make_trainer(0, images, options, device), images.batches(64, 0, 0)
    for number in range(WARMUP_STEPS):
        model.step(next(batches), number)
    ready.wait(timeout=600)
    start = time.perf_counter()
    for number in range(options.steps):
        model.step(next(batches), WARMUP_STEPS + number)
    model.running_averages()  # synchronises with the GPU
    times.put(time.perf_counter() - start)


def steps_per_second(step: Callable[[int], None], steps: int, device: torch.device) -> float:
    """Return the number of steps per second."""
    for number in range(WARMUP_STEPS):
        step(number)
    synchronize(device)
    start = time.perf_counter()
    for number in range(steps):
        step(WARMUP_STEPS + number)
    synchronize(device)
    return steps / (time.perf_counter() - start)


def synchronize(device: torch.device) -> None:
    """Wait until the GPU has finished all submitted work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
