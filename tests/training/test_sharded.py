"""Steps whose shards are computed by several threads."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import BVAE
from torch import Tensor

from bvae_cli import config
from bvae_cli.checkpoint import build_vae
from bvae_cli.images.in_memory import load_images
from bvae_cli.models.vae import VAE
from bvae_cli.objectives import OBJECTIVES
from bvae_cli.params import Params
from bvae_cli.system.reporting import ignore_progress
from bvae_cli.training.fit import fit
from bvae_cli.training.sharded import ShardedVAE, Shards
from bvae_cli.training.trainer import Trainer

FILES = ("checkpoint.pt", "history.csv")
THREADS = (1, 2, 4)
CPU = torch.device("cpu")


def make_params(objective: str, **train: object) -> Params:
    settings = {"steps": 3, "batch_size": 12, "log_every": 2, **train}
    return config.build_params({"objective": {"name": objective}, "model": {"net": "burgess"}, "train": settings})


def gradients(params: Params, data: Path, shards: int | None) -> list[Tensor]:
    """Return the losses of the first step and the gradients of all networks, in float64."""
    images = load_images(data, "dsprites")
    vae = build_vae(params, images.spec)
    trainer = Trainer(vae, images.spec, params, CPU)
    packed = next(images.batches(params.train.batch_size, 0, 0))
    trainer.load_batch(packed, 0)
    for net in trainer.nets:
        net.double()
    noise, pixel_noise = trainer.noise.double(), trainer.pixel_noise.double()
    hyperparameters = {name: value.double() for name, value in trainer.hyperparameters.items()}
    context = replace(trainer.context, pixel_noise=pixel_noise, hyperparameters=hyperparameters)
    model: VAE = ShardedVAE(vae, shards) if shards else vae
    out = params.objective.forward(model, images.subset(np.arange(12))[:].double(), noise, context)
    losses = trainer.loss_module.compute_losses(out, context)
    for net, loss in zip(trainer.nets, losses, strict=True):
        torch.autograd.backward(loss, inputs=list(net.parameters()))
    weights = [weight.grad for net in trainer.nets for weight in net.parameters()]
    return [*(loss.detach() for loss in losses), *(gradient for gradient in weights if gradient is not None)]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_losses_and_gradients_equal_those_of_the_whole_batch(
    objective: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(Tensor, "float", lambda values: values)  # everything stays in float64
    params = make_params(objective)
    expected = gradients(params, data, None)
    assert sum(float(value.abs().sum()) > 0 for value in expected) > 10
    for shards in (1, 2, 5, 30):  # 30: more than images
        for value, correct in zip(gradients(params, data, shards), expected, strict=True):
            assert (value - correct).abs().max() <= 1e-10 * max(1.0, float(correct.abs().max()))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("options", [{"precision": "bfloat16"}, {"shards": 4, "optimizer": "muon"}], ids=str)
def test_a_run_has_the_same_bytes_for_any_number_of_threads(
    objective: str, options: dict[str, object], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = load_images(data, "dsprites")
    for threads in THREADS:
        monkeypatch.setenv("OMP_NUM_THREADS", str(threads))
        for _ in fit(make_params(objective, **options), images, CPU, Path(str(threads)), ignore_progress):
            pass
    for name in FILES:
        assert len({Path(str(threads), name).read_bytes() for threads in THREADS}) == 1


def test_training_and_scores_of_the_command_have_the_same_bytes_for_any_number_of_threads(data: Path) -> None:
    for threads in THREADS:
        environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
        run, options = str(threads), ["--data", str(data), "--cpu"]
        for command in (
            ["train", "--steps", "20", "--stream", "--out", run, *options],
            ["evaluate", f"{run}/checkpoint.pt", "--metric", "mig", "--metric", "mig_sampled", *options],
        ):
            subprocess.run([BVAE, *command], env=environment, check=True, capture_output=True, timeout=120)
    for name in (*FILES, "metrics.json", "latents.csv", "mutual_information.csv"):
        assert len({Path(str(threads), name).read_bytes() for threads in THREADS}) == 1


def test_the_number_of_shards_is_part_of_the_experiment(data: Path) -> None:
    images = load_images(data, "dsprites")
    for shards in (1, 2):
        for _ in fit(make_params("vae", shards=shards, steps=1), images, CPU, Path(str(shards)), ignore_progress):
            pass
    one, two = (torch.load(Path(str(shards), "checkpoint.pt"), weights_only=True) for shards in (1, 2))
    assert [content["params"]["train"]["shards"] for content in (one, two)] == [1, 2]


def test_a_call_without_gradients_keeps_no_graph() -> None:
    layer = torch.nn.Linear(3, 2)
    with torch.no_grad():
        output = Shards(2).call(layer, layer, torch.ones(4, 3))
    assert not output.requires_grad
    assert torch.equal(output, layer(torch.ones(4, 3)).detach())


def test_an_error_in_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    layer = torch.nn.Linear(3, 2)
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied"):
        Shards(2).call(layer, layer, torch.ones(4, 5))
