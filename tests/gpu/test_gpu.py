"""Tests of training and evaluation on a GPU; skipped without one."""

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import Bvae
from torch import Tensor

from bvae_cli.checkpoint import build_vae, load_checkpoint
from bvae_cli.config import build_params
from bvae_cli.images.in_memory import Images, load_images
from bvae_cli.images.stream import open_stream
from bvae_cli.models.layers import DownsamplingConv, UpsamplingConv
from bvae_cli.objectives import OBJECTIVES
from bvae_cli.params import Params
from bvae_cli.system.device import StepRunner, reproducible, use_device
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import ignore_progress
from bvae_cli.training.fit import fit
from bvae_cli.training.fit_batched import fit_batched
from bvae_cli.training.trainer import Trainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")

GPU = torch.device("cuda", 0)
STEPS = 9  # three that warm up, and six that are replayed
PRECISIONS = ["float32", "tf32", "bfloat16"]


def experiment(objective: str = "beta_vae", seed: int = 0, **train: object) -> Params:
    """A small experiment."""
    shown = {"steps": STEPS, "batch_size": 64, "log_every": 3, "seed": seed, "learning_rate": 1e-3} | train
    return build_params({"model": {"net": "burgess"}, "objective": {"name": objective}, "train": shown})


def new(params: Params, images: Images) -> Trainer:
    """A model on the GPU that has taken no step."""
    return Trainer(build_vae(params, images.spec).to(GPU), images.spec, params, GPU)


def trained(params: Params, images: Images, is_recorded: bool = True) -> Tensor:
    """All weights after some steps."""
    trainer = new(params, images)
    if not is_recorded:
        trainer.runner = eager  # type: ignore[assignment]
    batches = images.batches(params.train.batch_size, params.train.seed, 0)
    for step in range(params.train.steps):
        trainer.step(next(batches), step)
    torch.cuda.synchronize()
    return torch.cat([weight.detach().flatten() for weight in trainer.weights()])


def eager(step: Callable[[], None]) -> None:
    """Run a step without recording it."""
    step()


eager.reset = lambda: None  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def on_the_gpu() -> None:
    use_device(GPU)


@pytest.fixture
def images(data: Path) -> Images:
    return load_images(data, "dsprites").to(GPU)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_recorded_steps_give_the_bits_of_eager_steps(images: Images, objective: str, precision: str) -> None:
    params = experiment(objective, precision=precision)
    recorded = trained(params, images)
    assert recorded.isfinite().all()
    assert torch.equal(recorded, trained(params, images, is_recorded=False))


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "muon"])
def test_an_optimizer_that_takes_over_is_recorded_anew(images: Images, optimizer: str) -> None:
    params = experiment(optimizer=optimizer, adam_warmup_steps=5, learning_rate=((0, 0.0), (STEPS, 1e-3)))
    assert torch.equal(trained(params, images), trained(params, images, is_recorded=False))


@pytest.mark.parametrize("net", ["burgess", "higgins_mlp", "higgins_conv", "locatello"])
def test_one_seed_gives_the_same_bits_each_time(images: Images, net: str) -> None:
    params = replace(experiment(steps=30), model=build_params({"model": {"net": net}}).model)
    assert torch.equal(trained(params, images), trained(params, images))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_training_follows_that_of_a_cpu(data: Path, precision: str) -> None:
    """The same first loss, as far as a dtype goes, and the same weights but for rounding."""
    cpu, gpu = (torch.device("cpu"), GPU)
    losses = {}
    for device in (cpu, gpu):
        images = load_images(data, "dsprites").to(device)
        params = experiment(precision=precision, learning_rate=1e-4)
        trainer = Trainer(build_vae(params, images.spec).to(device), images.spec, params, device)
        trainer.noise.zero_()
        trainer.load_batch(next(images.batches(64, 0, 0)), 0)
        trainer.noise.zero_()  # generators of two devices draw other noise
        trainer.compute_step()
        losses[device.type] = trainer.running_averages()[0]
    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=1e-5 if precision == "float32" else 1e-2)


@pytest.mark.parametrize(("channels_in", "channels_out"), [(1, 32), (3, 32), (32, 1), (32, 3), (32, 32)])
def test_convolutions_are_those_of_torch_on_a_cpu(channels_in: int, channels_out: int) -> None:
    for ours, torchs in ((DownsamplingConv, torch.nn.Conv2d), (UpsamplingConv, torch.nn.ConvTranspose2d)):
        layer = ours(channels_in, channels_out).to(GPU)
        plain = torchs(channels_in, channels_out, 4, stride=2, padding=1).double()
        plain.load_state_dict({name: weight.double().cpu() for name, weight in layer.state_dict().items()})
        results = []
        for each, device, dtype in ((layer, GPU, torch.float32), (plain, torch.device("cpu"), torch.float64)):
            random = torch.Generator().manual_seed(0)
            images = torch.randn(4, channels_in, 16, 16, generator=random).to(device, dtype).requires_grad_()
            with reproducible(GPU, "float32"):
                out = each(images)
                gradients = torch.autograd.grad(out.square().sum(), [images, *each.parameters()])
            results.append([value.detach().cpu().double() for value in (out, *gradients)])
        for one, other in zip(*results, strict=True):
            assert (one - other).norm() < 1e-5 * other.norm()


def test_float32_is_not_rounded_to_tf32() -> None:
    one, other = torch.randn(2, 256, 256, device=GPU, generator=torch.Generator(GPU).manual_seed(0)).unbind()
    exact = one.double() @ other.double()
    errors = {}
    for precision in ("float32", "tf32"):
        with reproducible(GPU, precision):
            errors[precision] = float((one @ other - exact).norm() / exact.norm())
    assert errors["float32"] < 1e-6
    assert errors["tf32"] > 1e-4


def test_graphs_in_reference_cycles_are_not_destroyed_during_a_recording() -> None:
    """Under a collector that is always at work, graphs that only it can free, and many recordings."""
    total, before = torch.zeros(1000, device=GPU), gc.get_threshold()

    def work() -> None:
        for _ in range(20):
            junk = [torch.zeros(3, device=GPU)]
            junk.append(junk)  # type: ignore[arg-type]
            total.add_(1)

    gc.set_threshold(1)
    try:
        for _ in range(20):
            runner = StepRunner(GPU)
            cycle = [runner]
            cycle.append(cycle)  # type: ignore[arg-type]
            for _ in range(5):
                runner(work)
            del runner, cycle
    finally:
        gc.set_threshold(*before)
    torch.cuda.synchronize()
    assert set(total.tolist()) == {20 * 5 * 20}


def test_a_recording_that_fails_leaves_nothing_to_replay() -> None:
    runner = StepRunner(GPU)
    tensor = torch.zeros(1, device=GPU)

    def work() -> None:
        tensor.add_(1)
        if torch.cuda.is_current_stream_capturing():
            raise ValueError("out of luck")

    for _ in range(3):
        runner(work)
    for _ in range(2):
        with pytest.raises(ValueError, match="out of luck"):
            runner(work)
    assert runner.graph is None


def files(folder: Path) -> list[bytes]:
    """Return the files that a run writes."""
    return [(folder / name).read_bytes() for name in ("checkpoint.pt", "history.csv")]


@pytest.mark.parametrize("objective", ["beta_vae", "factor_vae", "info_gan"])
def test_a_resumed_run_ends_in_the_bytes_of_one_that_was_not_stopped(images: Images, objective: str) -> None:
    half, whole = experiment(objective, steps=12), experiment(objective, steps=24)
    list(fit(whole, images, GPU, Path("whole"), ignore_progress))
    list(fit(half, images, GPU, Path("parts"), ignore_progress))
    list(fit(whole, images, GPU, Path("parts"), ignore_progress, resume=True))
    assert files(Path("parts")) == files(Path("whole"))


def test_streamed_batches_train_as_the_same_batches_in_memory(data: Path) -> None:
    params = experiment(stream=True)
    source = open_stream(data, "dsprites")
    streamed = trained(params, source.to(GPU))  # type: ignore[arg-type]
    trainer = new(params, load_images(data, "dsprites"))
    batches = source.batches(64, 0, 0)
    for step in range(STEPS):
        trainer.step(next(batches).to(GPU), step)
    torch.cuda.synchronize()
    assert torch.equal(streamed, torch.cat([weight.detach().flatten() for weight in trainer.weights()]))


def members() -> Iterator[tuple[Params, Path]]:
    """Eight models, the third of which diverges."""
    for seed in range(8):
        params = experiment("beta_vae", seed, steps=24, learning_rate=1e30 if seed == 2 else 1e-4)
        yield params, Path(f"together/{seed}")


def test_models_in_one_step_are_as_if_each_were_alone(images: Images) -> None:
    said = list(fit_batched(list(members()), images, GPU, ignore_progress))
    (failure,) = [(number, heard) for number, heard in said if isinstance(heard, BvaeError)]
    assert failure[0] == 2
    assert "the loss is" in failure[1].message
    for number, (params, folder) in enumerate(members()):
        if number != 2:
            list(fit(params, images, GPU, Path(f"alone/{number}"), ignore_progress))
            one, other = (
                torch.cat(
                    [weight.detach().flatten() for weight in load_checkpoint(run / "checkpoint.pt").vae.parameters()]
                )
                for run in (folder, Path(f"alone/{number}"))
            )
            assert (one - other).norm() < 1e-2 * other.norm()


def test_out_of_memory_is_reported(bvae: Bvae, data: Path) -> None:
    torch.cuda.set_per_process_memory_fraction(0.001)
    try:
        result = bvae(
            "train", "--data", data, "--net", "higgins_mlp", "--batch-size", 384, "--steps", 1, "--out", "run"
        )
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert result.code == 1
    assert "out of memory" in result.err


def test_the_whole_chain_runs_on_a_gpu(bvae: Bvae, data: Path) -> None:
    assert bvae("train", "--data", data, "--gpu", 0, "--steps", 30, "--out", "run", "--latent-dim", 6).code == 0
    assert bvae("evaluate", "run/checkpoint.pt", "--data", data, "--gpu", 0, "--metric", "mig").code == 0
    for command in ("traverse", "reconstruct"):
        assert bvae(command, "run/checkpoint.pt", "--data", data).code == 0


@pytest.mark.filterwarnings("default")  # of the compiler, about this GPU's features
def test_a_compiled_step_is_the_step_but_for_rounding(images: Images) -> None:
    plain, compiled = (trained(experiment(precision="float32", compile=chosen), images) for chosen in (False, True))
    assert (plain - compiled).norm() < 1e-3 * plain.norm()
