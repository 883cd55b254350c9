"""Objectives, against closed forms."""

import pytest
import torch

from bvae_cli.models.vae import ForwardPass
from bvae_cli.objectives.annealed_vae import AnnealedVAE
from bvae_cli.objectives.beta_vae import BetaVAE
from bvae_cli.objectives.objective import Objective, StepContext
from bvae_cli.objectives.schedule import values_at
from bvae_cli.objectives.vae import VAEObjective

EMPTY = torch.zeros(2, 2)
OUT = ForwardPass(EMPTY, EMPTY, EMPTY, EMPTY, torch.tensor([30.0, 50.0]), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
"""Mean reconstruction loss 40, mean KL 5."""


def loss(objective: Objective, step: int) -> float:
    return objective(OUT, StepContext(values_at(objective, step), num_images=2)).item()


def test_the_vae_loss_is_reconstruction_loss_plus_kl() -> None:
    assert loss(VAEObjective(), 0) == 45


def test_beta_weights_the_kl() -> None:
    assert loss(BetaVAE(beta=8), 0) == 80


def test_beta_one_equals_the_vae() -> None:
    assert loss(BetaVAE(beta=1), 0) == loss(VAEObjective(), 0)


@pytest.mark.parametrize(("step", "beta"), [(0, 10), (20, 8), (60, 4), (1000, 4)])
def test_beta_decreases_linearly_and_is_then_constant(step: int, beta: float) -> None:
    falling = BetaVAE(beta=((0, 10.0), (60, 4.0)))
    assert values_at(falling, step) == {"beta": beta, "free_bits": 0}
    assert loss(falling, step) == 40 + beta * 5


@pytest.mark.parametrize(("free", "nats"), [(0, 60), (2.5, 40 + 4 * 5.5), (10, 40 + 4 * 20)])
def test_free_bits_apply_to_the_batch_mean_of_each_latent(free: float, nats: float) -> None:
    """The batch means of the two latents' KL are 2 and 3, the values of single images 1 to 4."""
    assert loss(BetaVAE(beta=4, free_bits=free), 0) == nats


@pytest.mark.parametrize(("step", "capacity"), [(0, 0), (10, 10), (100, 100), (101, 100)])
def test_capacity_grows_linearly_and_is_then_constant(step: int, capacity: float) -> None:
    assert values_at(AnnealedVAE(capacity=((0, 0.0), (100, 100.0))), step)["capacity"] == capacity


@pytest.mark.parametrize(("step", "nats"), [(0, 40 + 10 * 5), (50, 40), (100, 40 + 10 * 5)])
def test_a_kl_above_or_below_the_capacity_is_penalised(step: int, nats: float) -> None:
    assert loss(AnnealedVAE(gamma=10, capacity=((0, 0.0), (100, 10.0))), step) == nats


def test_the_capacity_applies_to_the_mean_kl_and_not_to_that_of_each_image() -> None:
    assert loss(AnnealedVAE(gamma=1, capacity=5), 0) == 40  # the images' KL are 3 and 7


@pytest.mark.parametrize(
    ("objective", "hyperparameters", "message"),
    [
        (BetaVAE, {"beta": -1}, "beta must be at least 0, not -1"),
        (BetaVAE, {"beta": float("nan")}, "beta must be"),
        (BetaVAE, {"beta": ((0, 1.0), (10, -2.0))}, "beta must be at least 0, not -2 at step 10"),
        (BetaVAE, {"free_bits": -1}, "free_bits must be"),
        (AnnealedVAE, {"gamma": -1}, "gamma must be"),
        (AnnealedVAE, {"capacity": float("inf")}, "capacity must be"),
    ],
)
def test_invalid_hyperparameters_are_errors(objective: type, hyperparameters: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        objective(**hyperparameters)
