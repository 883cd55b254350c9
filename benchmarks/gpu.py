"""All that is to be known of bvae on a GPU: `python benchmarks/gpu.py` tests, times and trains, within ten minutes.

It runs the tests in tests/gpu, then by turns the customary loop and ours in each precision, model batches, a
profile of a step, and the experiment of params.yaml with its evaluation. It writes gpu.json, gpu.log and profile.txt to
--out. `--part` chooses some of that.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from customary import BATCH, customary, customary_loop
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader
from training import Items

from bvae_cli.checkpoint import build_vae, load_checkpoint
from bvae_cli.config import build_params, load_params
from bvae_cli.evaluation.evaluator import evaluate
from bvae_cli.images.in_memory import Images, load_images
from bvae_cli.models.vae import VAE
from bvae_cli.system.device import select_device
from bvae_cli.system.reporting import ignore_progress
from bvae_cli.training.fit import fit
from bvae_cli.training.model_batch import ModelBatch
from bvae_cli.training.trainer import Trainer

ROOT = Path(__file__).parent.parent
PRECISIONS = ("float32", "tf32", "bfloat16")
TURNS, WARM_UP = 3, 20
Record = dict[str, Any]


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of dsprites.h5")
    parser.add_argument("--out", type=Path, default=Path("gpu"), help="folder to write to")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="what to do")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    device = select_device(0, cpu=False)
    images = load_images(options.data, "dsprites").to(device)
    record: Record = {"device": torch.cuda.get_device_name(device), "torch": torch.__version__, "driver": driver()}
    with (options.out / "gpu.log").open("w") as log:
        for part in options.part:
            started = time.perf_counter()
            record[part] = PARTS[part](images, device, options.out)
            record[part]["seconds"] = round(time.perf_counter() - started, 1)
            for file in (log, sys.stdout):
                print(part, json.dumps(record[part], indent=2), file=file, flush=True)
            (options.out / "gpu.json").write_text(json.dumps(record, indent=2) + "\n")


def driver() -> str:
    """The version of the driver."""
    words = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()[0]


def tests(images: Images, device: torch.device, out: Path) -> Record:
    """Run tests/gpu with pytest; return its exit status and last line."""
    words = [sys.executable, "-m", "pytest", "-n", "0", "-q", "--no-header", "tests/gpu"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    (out / "tests.log").write_text(done.stdout + done.stderr)
    return {"exit": done.returncode, "result": done.stdout.splitlines()[-1]}


def speed(images: Images, device: torch.device, out: Path) -> Record:
    """Steps per second of the customary loop and of ours: burgess, batches of 64, medians of some turns."""
    loops: dict[str, Callable[[], float]] = {"customary": lambda: customary_speed(images, device)}
    models = {precision: new(images, device, precision=precision) for precision in PRECISIONS}
    models["bfloat16 compiled"] = new(images, device, precision="bfloat16", compile=True)
    loops |= {name: partial(steps_per_second, step_alone(model, images), 1000) for name, model in models.items()}
    seen: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(TURNS):
        for name, loop in loops.items():
            seen[name].append(loop())
    medians = {name: statistics.median(values) for name, values in seen.items()}
    ratios = {f"{name} / customary": medians[name] / medians["customary"] for name in models}
    return {"steps per second": medians, "ratios": ratios}


def customary_speed(images: Images, device: torch.device, steps: int = 200) -> float:
    """Steps per second of the customary loop, which is compared in benchmarks/training.py on a CPU."""
    pixels = Images(images.spec, images.packed[:: len(images) // 80_000].cpu())
    loader = DataLoader(Items(pixels), batch_size=BATCH, shuffle=True, drop_last=True)
    lines = list(customary_loop(customary(VAE("burgess", "bernoulli", 1, 10)).to(device), loader, steps, device))
    return statistics.median(rate for rate, _ in lines[1:])


def model_batches(images: Images, device: torch.device, out: Path) -> Record:
    """Models times steps per second of models trained jointly, by precision and number of models."""
    result: Record = {}
    for precision in ("tf32", "bfloat16"):
        for count in (1, 8, 64):
            models = [new(images, device, seed, precision=precision) for seed in range(count)]
            result[f"{count} models, {precision}"] = round(count * steps_per_second(step_jointly(models, images), 50))
    return result


def new(images: Images, device: torch.device, seed: int = 0, **train: object) -> Trainer:
    """A new model of the default network."""
    params = build_params({"train": {"seed": seed, **train}})
    return Trainer(build_vae(params, images.spec).to(device), images.spec, params, device)


def step_alone(model: Trainer, images: Images) -> Callable[[int], None]:
    """Return what trains a step of one model, given its number."""
    batches = images.batches(BATCH, model.params.train.seed, 0)
    return lambda number: model.step(next(batches), number)


def step_jointly(models: list[Trainer], images: Images) -> Callable[[int], None]:
    """Return what trains a step of a model batch, given its number."""
    batch = ModelBatch(models)
    batches = [images.batches(BATCH, model.params.train.seed, 0) for model in models]
    return lambda number: batch.step([next(each) for each in batches], [number] * len(models))


def steps_per_second(step: Callable[[int], None], steps: int) -> float:
    """Return the steps per second after a warm-up, in which the step is captured."""
    for number in range(WARM_UP):
        step(number)
    torch.cuda.synchronize()
    started = time.perf_counter()
    for number in range(steps):
        step(WARM_UP + number)
    torch.cuda.synchronize()
    return steps / (time.perf_counter() - started)


def profiled(images: Images, device: torch.device, out: Path) -> Record:
    """The number of kernels in a step and how long they are busy; each is in profile.txt."""
    result: Record = {}
    for precision, compiled in [*((precision, False) for precision in PRECISIONS), ("bfloat16", True)]:
        name = f"{precision} compiled" if compiled else precision
        model, batches = new(images, device, precision=precision, compile=compiled), images.batches(BATCH, 0, 0)
        for step in range(WARM_UP):
            model.step(next(batches), step)
        with profile(activities=[ProfilerActivity.CUDA], acc_events=True) as seen:
            for step in range(WARM_UP):
                model.step(next(batches), step)
            torch.cuda.synchronize()
        kernels = sorted(seen.key_averages(), key=lambda kernel: -kernel.self_device_time_total)
        lines = list(kernel_lines(kernels))
        result[name] = {
            "kernels": round(sum(kernel.count for kernel in kernels if kernel.self_device_time_total) / WARM_UP),
            "busy microseconds": round(sum(kernel.self_device_time_total for kernel in kernels) / WARM_UP, 1),
        }
        with (out / "profile.txt").open("a") as file:
            print(name, result[name], *lines, sep="\n", file=file)
    return result


def kernel_lines(kernels: list[Any]) -> Iterator[str]:
    """How often a step calls each kernel, how long it is busy with it in microseconds, and its name."""
    for kernel in kernels:
        if kernel.self_device_time_total:
            busy = kernel.self_device_time_total / WARM_UP
            yield f"{kernel.count / WARM_UP:6.1f} {busy:8.2f}  {kernel.key[:120]}"


def experiment(images: Images, device: torch.device, out: Path) -> Record:
    """The experiment of params.yaml, and what it scores."""
    params, started = load_params(ROOT / "params.yaml", {}), time.perf_counter()
    last = list(fit(params, images, device, out / "run", ignore_progress))[-1]
    minutes, started = (time.perf_counter() - started) / 60, time.perf_counter()
    checkpoint = load_checkpoint(out / "run" / "checkpoint.pt")
    scored = evaluate(checkpoint, images, params.evaluate, device, out / "run", ignore_progress).scores
    return {
        "minutes of training": round(minutes, 2),
        "seconds of evaluation": round(time.perf_counter() - started, 1),
        "seconds by metric": {name: round(value, 2) for name, value in scored.seconds.items()},
        "last reconstruction": last.reconstruction_loss,
        "scores": scored.values,
    }


PARTS: dict[str, Callable[[Images, torch.device, Path], Record]] = {
    "tests": tests,
    "speed": speed,
    "model_batches": model_batches,
    "profile": profiled,
    "experiment": experiment,
}

if __name__ == "__main__":
    main()
