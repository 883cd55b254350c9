"""DC-IGN: clamping and gradients of inactive latents."""

import csv
from pathlib import Path

import pytest
import torch
from conftest import Bvae

from bvae_cli.models.vae import VAE, ForwardPass
from bvae_cli.objectives.dc_ign import DCIGN, clamp_inactive
from bvae_cli.objectives.objective import StepContext

LATENTS, FACTORS, BATCH = 5, 3, 6
STEP = StepContext({"invariance_weight": 0.01}, num_images=100, num_factors=FACTORS, active_factor=torch.tensor(1))
ACTIVE = [1, 4]  # latents of the second of three factors
INACTIVE = [0, 2, 3]


def test_inactive_latents_are_replaced_by_their_batch_mean() -> None:
    torch.manual_seed(0)
    vae, images, noise = (
        VAE("higgins_conv", "bernoulli", 1, LATENTS),
        torch.rand(BATCH, 1, 64, 64),
        torch.randn(BATCH, 5),
    )
    out = DCIGN().forward(vae, images, noise, STEP)
    sample = out.mean + torch.exp(out.logvar / 2) * noise
    assert torch.equal(out.z[:, ACTIVE], sample[:, ACTIVE])
    assert torch.equal(out.z[:, INACTIVE], sample.mean(dim=0)[INACTIVE].expand(BATCH, 3))
    expected = vae.likelihood(vae.decoder(out.z), images)
    assert torch.equal(out.reconstruction_loss, expected)


def test_inactive_latents_get_no_gradient_of_the_reconstruction() -> None:
    z = torch.randn(BATCH, LATENTS, requires_grad=True)
    clamp_inactive(z, STEP).sum().backward()  # type: ignore[no-untyped-call]
    assert z.grad is not None
    assert z.grad[:, ACTIVE].eq(1).all()
    assert z.grad[:, INACTIVE].eq(0).all()


def test_inactive_latents_are_pulled_to_their_batch_mean_by_a_hundredth_of_the_distance() -> None:
    mean = torch.randn(BATCH, LATENTS, dtype=torch.float64, requires_grad=True)
    out = ForwardPass(mean, mean, mean, mean, torch.full((BATCH,), 30.0), torch.ones(BATCH, LATENTS))
    loss = DCIGN()(out, STEP)
    loss.backward()  # type: ignore[no-untyped-call]
    distance = (mean - mean.mean(dim=0)).detach()
    assert loss.item() == pytest.approx(30 + LATENTS + 0.005 * distance[:, INACTIVE].square().sum().item() / BATCH)
    assert mean.grad is not None
    torch.testing.assert_close(mean.grad[:, INACTIVE], 0.01 * distance[:, INACTIVE] / BATCH)
    assert mean.grad[:, ACTIVE].eq(0).all()


def test_batches_of_one_factor_are_equal_from_memory_and_streamed_from_disk(bvae: Bvae, data: Path) -> None:
    options = ["--cpu", "--data", data, "--objective", "dc_ign", "--steps", 6, "--log-every", 1, "--batch-size", 8]
    assert bvae("train", *options, "--out", "memory").code == 0
    assert bvae("train", *options, "--out", "disk", "--stream").code == 0
    texts = [Path(name, "history.csv").read_text() for name in ("memory", "disk")]
    assert texts[0] == texts[1]
    assert next(iter(csv.DictReader(texts[0].splitlines())))["invariance_weight"] == "0.01"


def test_fewer_latents_than_factors_are_an_error(bvae: Bvae, data: Path) -> None:
    result = bvae("train", "--cpu", "--data", data, "--objective", "dc_ign", "--latent-dim", 4)
    assert result.code == 1
    assert "model.latent_dim is 4, but this objective needs a latent for each of 5 factors" in result.err
    assert "use --latent-dim 5 or more" in result.err
