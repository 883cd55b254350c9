"""Fitting, through the command and beneath it."""

import csv
from itertools import islice
from pathlib import Path

import pytest
import torch
from conftest import Bvae

from bvae_cli.checkpoint import load
from bvae_cli.errors import BvaeError
from bvae_cli.params import Train
from bvae_cli.training import batches, learning_rate

CPU = torch.device("cpu")


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("objective", ["vae", "beta", "capacity"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_same_seed_gives_the_same_bytes(bvae: Bvae, data: Path, objective: str, precision: str) -> None:
    options = ["--data", data, "--steps", 12, "--log-every", 5, "--objective", objective, "--precision", precision]
    for out in ("one", "other"):
        assert bvae("train", "--cpu", *options, "--out", out).code == 0
    for name in ("checkpoint.pt", "history.csv"):
        assert Path("one", name).read_bytes() == Path("other", name).read_bytes()


def test_another_seed_gives_another_model(bvae: Bvae, data: Path) -> None:
    for seed in (1, 2):
        bvae("train", "--cpu", "--data", data, "--steps", 2, "--seed", seed, "--out", seed)
    assert not torch.equal(*(next(load(Path(seed, "checkpoint.pt")).vae.parameters()) for seed in ("1", "2")))


def test_the_curves_have_a_line_for_each_interval_and_one_for_what_is_left(bvae: Bvae, data: Path) -> None:
    options = ["--steps", 7, "--log-every", 3, "--latent-dim", 2, "--beta", 4, "--beta-start", 0, "--beta-steps", 6]
    bvae("train", "--cpu", "--data", data, *options)
    rows = history(Path("runs/dsprites"))
    assert list(rows[0]) == ["step", "loss", "reconstruction", "kl", "beta", "learning_rate", "kl_0", "kl_1"]
    assert [row["step"] for row in rows] == ["3", "6", "7"]
    assert [float(row["beta"]) for row in rows] == pytest.approx([4 * 2 / 6, 4 * 5 / 6, 4], rel=1e-5)


def test_a_line_adds_up(bvae: Bvae, data: Path) -> None:
    bvae("train", "--cpu", "--data", data, "--steps", 3, "--log-every", 3, "--beta", 4)
    (row,) = [{name: float(value) for name, value in row.items()} for row in history(Path("runs/dsprites"))]
    assert row["kl"] == pytest.approx(sum(row[f"kl_{latent}"] for latent in range(10)), rel=1e-4)
    assert row["loss"] == pytest.approx(row["reconstruction"] + 4 * row["kl"], rel=1e-4)


def test_training_lowers_the_loss(checkpoint: Path) -> None:
    rows = history(checkpoint.parent)
    assert float(rows[-1]["reconstruction"]) < float(rows[0]["reconstruction"]) / 2


def test_a_loss_that_is_no_number_stops_the_run_and_leaves_the_last_one(bvae: Bvae, data: Path) -> None:
    bvae("train", "--cpu", "--data", data, "--steps", 2)
    before = Path("runs/dsprites/checkpoint.pt").read_bytes()
    result = bvae("train", "--cpu", "--data", data, "--steps", 200, "--log-every", 20, "--learning-rate", 1e6)
    assert result.code == 1
    assert "nothing was saved" in result.err
    assert "--learning-rate" in result.err
    assert Path("runs/dsprites/checkpoint.pt").read_bytes() == before


def test_a_last_step_that_goes_astray_is_noticed(bvae: Bvae, data: Path) -> None:
    result = bvae("train", "--cpu", "--data", data, "--steps", 1, "--learning-rate", 1e30)
    assert result.code == 1
    assert "not finite" in result.err
    assert not Path("runs/dsprites/checkpoint.pt").exists()


def test_every_image_comes_once_an_epoch_and_the_odd_ones_wait() -> None:
    index = list(islice(batches(10, Train(batch_size=3), CPU), 6))
    for epoch in (torch.cat(index[:3]), torch.cat(index[3:])):
        assert len(set(epoch.tolist())) == 9
    assert not torch.equal(torch.cat(index[:3]), torch.cat(index[3:]))


def test_a_batch_larger_than_the_data_is_refused() -> None:
    with pytest.raises(BvaeError, match="only 10 images"):
        next(batches(10, Train(batch_size=11), CPU))


def test_the_learning_rate_rises_holds_and_falls() -> None:
    train = Train(steps=10, learning_rate=1.0, warmup_steps=2, decay_steps=4)
    assert [learning_rate(train, step) for step in range(10)] == [0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25]


def test_without_warm_up_and_decay_the_learning_rate_is_constant() -> None:
    assert {learning_rate(Train(steps=10, learning_rate=0.5), step) for step in range(10)} == {0.5}
