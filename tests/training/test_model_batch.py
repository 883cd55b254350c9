"""Model batches compared with each model trained alone."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bvae_cli import config
from bvae_cli.checkpoint import Checkpoint, build_vae, load_checkpoint
from bvae_cli.images.in_memory import load_images
from bvae_cli.models import code_discriminator
from bvae_cli.objectives import OBJECTIVES
from bvae_cli.objectives.beta_tcvae import BetaTCVAE
from bvae_cli.params import Params
from bvae_cli.system.device import autocast
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import ignore_progress
from bvae_cli.training.fit import fit
from bvae_cli.training.fit_batched import FitEvent, fit_batched
from bvae_cli.training.model_batch import ModelBatch, batching_key
from bvae_cli.training.trainer import Trainer

CPU = torch.device("cpu")
STEPS = int(os.environ.get("STACK_STEPS", "40"))  # 200 take three minutes
# Tolerance, relative to the distance from the initial weights; another seed, noise, hyperparameter or learning rate
# gives far more.
APART = 0.05
HYPERPARAMETERS: dict[str, dict[str, list[object]]] = {
    "vae": {},
    "beta_vae": {"beta": ["0:1,100:4", 4]},
    "annealed_vae": {"gamma": [10, 100], "capacity": ["0:0,150:10", 5]},
    "factor_vae": {"gamma": [10, 35]},
    "beta_tcvae": {"beta": [1, 6]},
    "dip_vae_i": {"lambda_od": [1, 2]},
    "dip_vae_ii": {"lambda_od": [1, 5]},
    "info_vae": {"lambda_mmd": [1, 100]},
    "dc_ign": {"invariance_weight": [0.01, 0.1]},
    "info_gan": {"lambda_info": [1, 0.5], "discriminator_lr": [0.000002, 0.000001]},
    "ada_gvae": {"beta": [1, 4]},
    "ada_ml_vae": {"beta": [1, 4]},
    "gvae": {"beta": [1, 4]},
    "ml_vae": {"beta": [1, 4]},
}  # fmt: skip


def params(objective: str, number: int, **train: object) -> Params:
    """Return the params of one of two models of a batch: own hyperparameters, learning rate and seed."""
    hyperparameters = {name: values[number] for name, values in HYPERPARAMETERS[objective].items()}
    rates = [1e-5, "0:0,50:0.00001"]
    batch = 4 if objective == "factor_vae" else 2  # which takes a half for itself
    settings = {
        "model": {"net": "burgess", "latent_dim": 5},
        "objective": {"name": objective, **hyperparameters},
        "train": {"steps": STEPS, "batch_size": batch, "log_every": 50, "seed": number, "learning_rate": rates[number]},
    }
    return config.build_params(config.merge_settings(settings, {"train": train}))


def alone(members: list[Params], data: Path) -> list[Checkpoint]:
    for number, member in enumerate(members):
        list(fit(member, load_images(data, "dsprites"), CPU, Path(f"alone/{number}"), ignore_progress))
    return [load_checkpoint(Path(f"alone/{number}/checkpoint.pt")) for number in range(len(members))]


def together(members: list[Params], data: Path, folder: str = "together") -> list[tuple[int, FitEvent]]:
    places = [(member, Path(f"{folder}/{number}")) for number, member in enumerate(members)]
    return list(fit_batched(places, load_images(data, "dsprites"), CPU, ignore_progress))


def distance(one: Checkpoint, other: Checkpoint) -> float:
    """Return the distance of two models' weights, relative to their norm."""
    ours, theirs = (torch.cat([weight.detach().flatten() for weight in each.vae.parameters()]) for each in (one, other))
    return float((ours - theirs).norm() / ours.norm())


def moved(model: Checkpoint) -> float:
    """Return the distance of a model from its initial weights."""
    return distance(model, replace(model, vae=build_vae(model.params, model.spec)))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_model_is_trained_as_if_alone(data: Path, objective: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code_discriminator, "WIDTH", 50)  # of FactorVAE's, six layers of which take the most time
    members = [params(objective, number) for number in range(2)]
    heard = together(members, data)
    assert [number for number, progress in heard if progress is None] == [0, 1]
    for number, single in enumerate(alone(members, data)):
        stacked = load_checkpoint(Path(f"together/{number}/checkpoint.pt"))
        assert (stacked.params, stacked.step) == (single.params, STEPS)
        # Sums in another order differ by 1e-7, which grows where a ReLU turns over on that account.
        assert distance(stacked, single) < APART * moved(single)


@pytest.mark.parametrize("net", ["burgess", "higgins_conv"])
def test_a_model_batch_computes_in_bfloat16_as_each_model_does(data: Path, net: str) -> None:
    trainers = []
    for seed in range(2):
        train = {"precision": "bfloat16", "batch_size": 2, "seed": seed}
        params = config.build_params({"model": {"net": net}, "train": train})
        images = load_images(data, "dsprites")
        trainers.append(Trainer(build_vae(params, images.spec), images.spec, params, CPU))
        trainers[-1].load_batch(images.packed[seed :: len(images) // 2][:2], 0)
    batch = ModelBatch(trainers)
    with autocast(CPU, "bfloat16"):
        _, totals = torch.vmap(batch.compute_one)(batch.weights(), *batch.inputs())
        for trainer, total in zip(trainers, totals, strict=True):
            assert trainer.packed is not None
            _, alone = trainer.losses(trainer.packed, trainer.noise)
            torch.testing.assert_close(total, alone, rtol=1e-4, atol=1e-4)  # float32 differs by 1e-3


@pytest.mark.parametrize("optimizer", ["adagrad", "muon"])
def test_the_optimizer_changes_in_a_model_batch_too(data: Path, optimizer: str) -> None:
    members = [params("beta_vae", number, steps=30, optimizer=optimizer, adam_warmup_steps=10) for number in range(2)]
    together(members, data)
    for number, single in enumerate(alone(members, data)):
        assert distance(load_checkpoint(Path(f"together/{number}/checkpoint.pt")), single) < APART * moved(single)


def test_an_interrupted_model_batch_resumes_bit_identical(data: Path) -> None:
    members = [params("factor_vae", number, steps=20, log_every=5) for number in range(2)]
    together(members, data, "whole")
    together([replace(member, train=replace(member.train, steps=10)) for member in members], data, "parts")
    together(members, data, "parts")
    for number in range(2):
        for name in ("checkpoint.pt", "history.csv"):
            assert Path(f"parts/{number}/{name}").read_bytes() == Path(f"whole/{number}/{name}").read_bytes()


def test_a_model_of_a_batch_resumes_alone(data: Path) -> None:
    members = [params("beta_vae", number, steps=20) for number in range(2)]
    together(members, data)
    longer = replace(members[1], train=replace(members[1].train, steps=30))
    list(fit(longer, load_images(data, "dsprites"), CPU, Path("together/1"), ignore_progress, resume=True))
    assert load_checkpoint(Path("together/1/checkpoint.pt")).step == 30


def test_a_diverging_model_does_not_affect_the_others(data: Path) -> None:
    good, bad = (params("beta_vae", number, steps=20) for number in range(2))
    bad = replace(bad, train=replace(bad.train, learning_rate=1e30))
    heard = together([good, bad], data)
    (failure,) = (said for number, said in heard if number == 1 and isinstance(said, BvaeError))
    assert "the loss is" in failure.message
    assert not Path("together/1/checkpoint.pt").exists()
    (single,) = alone([good], data)
    assert distance(load_checkpoint(Path("together/0/checkpoint.pt")), single) < APART * moved(single)


def test_models_of_a_batch_may_differ_in_seed_hyperparameters_learning_rate_and_steps() -> None:
    one, other = params("beta_vae", 0), params("beta_vae", 1, steps=7)
    assert batching_key(one) == batching_key(other)
    assert batching_key(one) != batching_key(params("vae", 0))
    assert batching_key(one) != batching_key(params("beta_vae", 0, batch_size=8))
    weighted, stratified = (replace(one, objective=BetaTCVAE(tc_estimator=sampling)) for sampling in ("mws", "mss"))
    assert batching_key(weighted) != batching_key(stratified)
