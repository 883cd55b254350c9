"""Training, by the command and by its functions."""

import csv
import re
import sys
from pathlib import Path

import imageio.v3 as imageio
import pytest
import torch
from conftest import Bvae
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.objectives import OBJECTIVES


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_same_seed_gives_bit_identical_files(bvae: Bvae, data: Path, objective: str, precision: str) -> None:
    options = ["--data", data, "--steps", 12, "--log-every", 5, "--batch-size", 8]
    options += ["--objective", objective, "--precision", precision]
    for out in ("one", "other"):
        assert bvae("train", "--cpu", *options, "--out", out).code == 0
    for name in ("checkpoint.pt", "history.csv"):
        assert Path("one", name).read_bytes() == Path("other", name).read_bytes()


def test_beta_vae_with_beta_1_equals_vae_bit_for_bit(bvae: Bvae, data: Path) -> None:
    options = ["--cpu", "--data", data, "--steps", 12, "--log-every", 1]
    bvae("train", *options, "--objective", "vae", "--out", "vae")
    bvae("train", *options, "--beta", 1, "--out", "beta")
    one, other = (load_checkpoint(Path(name, "checkpoint.pt")).vae.state_dict() for name in ("vae", "beta"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert [row["loss"] for row in history(Path("vae"))] == [row["loss"] for row in history(Path("beta"))]


def test_another_seed_gives_another_model(bvae: Bvae, data: Path) -> None:
    for seed in (1, 2):
        bvae("train", "--cpu", "--data", data, "--steps", 2, "--seed", seed, "--out", seed)
    assert not torch.equal(
        *(next(load_checkpoint(Path(seed, "checkpoint.pt")).vae.parameters()) for seed in ("1", "2"))
    )


def test_history_has_a_row_per_interval_and_one_for_the_remaining_steps(bvae: Bvae, data: Path) -> None:
    options = ["--steps", 7, "--log-every", 3, "--latent-dim", 2, "--beta", "0:0,6:4"]
    bvae("train", "--cpu", "--data", data, *options)
    rows = history(Path("runs/dsprites"))
    columns = "step loss reconstruction_loss kl beta free_bits learning_rate kl_0 kl_1"
    assert list(rows[0]) == columns.split()
    assert [row["step"] for row in rows] == ["3", "6", "7"]
    assert [float(row["beta"]) for row in rows] == pytest.approx([4 * 2 / 6, 4 * 5 / 6, 4], rel=1e-5)


def test_the_loss_of_a_row_is_the_sum_of_its_terms(bvae: Bvae, data: Path) -> None:
    bvae("train", "--cpu", "--data", data, "--steps", 3, "--log-every", 3, "--beta", 4)
    (row,) = [{name: float(value) for name, value in row.items()} for row in history(Path("runs/dsprites"))]
    assert row["kl"] == pytest.approx(sum(row[f"kl_{latent}"] for latent in range(10)), rel=1e-4)
    assert row["loss"] == pytest.approx(row["reconstruction_loss"] + 4 * row["kl"], rel=1e-4)


def test_training_lowers_the_loss(checkpoint: Path) -> None:
    rows = history(checkpoint.parent)
    assert float(rows[-1]["reconstruction_loss"]) < float(rows[0]["reconstruction_loss"]) / 2


def test_a_nan_loss_stops_the_run_and_keeps_the_previous_checkpoint(bvae: Bvae, data: Path) -> None:
    bvae("train", "--cpu", "--data", data, "--steps", 2)
    before = Path("runs/dsprites/checkpoint.pt").read_bytes()
    result = bvae("train", "--cpu", "--data", data, "--steps", 200, "--log-every", 20, "--learning-rate", 1e6)
    assert result.code == 1
    assert re.search(r"the loss is (nan|inf) at step 2; no checkpoint was written", result.err)
    assert "--learning-rate" in result.err
    assert Path("runs/dsprites/checkpoint.pt").read_bytes() == before


def test_a_last_step_that_diverges_is_detected(bvae: Bvae, data: Path) -> None:
    result = bvae("train", "--cpu", "--data", data, "--steps", 1, "--learning-rate", 1e30)
    assert result.code == 1
    assert "NaN or infinite values" in result.err
    assert not Path("runs/dsprites/checkpoint.pt").exists()


def test_the_checkpoint_before_a_nan_loss_is_kept(bvae: Bvae, data: Path) -> None:
    bvae("train", "--cpu", "--data", data, "--steps", 3)
    content = torch.load("runs/dsprites/checkpoint.pt", weights_only=True)
    content["training"]["trainer"]["optimizer_state"][13]["exp_avg"] -= 1e30  # of the log-variances
    torch.save(content, "runs/dsprites/checkpoint.pt")
    result = bvae("train", "--cpu", "--data", data, "--steps", 9, "--resume")
    assert result.code == 1
    assert re.search(r"the loss is (nan|inf) at step 5; the checkpoint of step 3 is in runs/dsprites", result.err)
    assert load_checkpoint(Path("runs/dsprites/checkpoint.pt")).step == 3


def test_logging_and_checkpointing_do_not_change_the_result(bvae: Bvae, data: Path) -> None:
    options = ["--data", data, "--steps", 12, "--log-every", 5]
    bvae("train", "--cpu", *options, "--out", "plain")
    keep = ["--checkpoint-every", 5, "--save-best", "--tensorboard", "--log-images-every", 6]
    bvae("train", "--cpu", *options, "--out", "watched", *keep)
    for name in ("checkpoint.pt", "history.csv"):
        assert Path("plain", name).read_bytes() == Path("watched", name).read_bytes()
    left = {path.name for path in Path("watched").iterdir()}
    assert left == {".lock", "best.pt", "checkpoint.pt", "history.csv", "reconstructions", "tensorboard"}


def test_best_is_the_model_of_the_row_with_the_lowest_loss(bvae: Bvae, data: Path) -> None:
    options = ["--data", data, "--steps", 30, "--log-every", 3, "--learning-rate", 0.01, "--save-best"]
    assert bvae("train", "--cpu", *options).code == 0
    rows = history(Path("runs/dsprites"))
    best = min(rows, key=lambda row: float(row["loss"]))
    assert best is not rows[-1]
    assert load_checkpoint(Path("runs/dsprites/best.pt")).step == int(best["step"])


def test_best_is_searched_again_when_beta_changes(bvae: Bvae, data: Path) -> None:
    options = ["--data", data, "--steps", 30, "--log-every", 3, "--beta", "0:0,15:0,16:1e8", "--save-best"]
    assert bvae("train", "--cpu", *options).code == 0
    rows = history(Path("runs/dsprites"))
    best = min(rows[5:], key=lambda row: float(row["loss"]))
    assert float(best["loss"]) > min(float(row["loss"]) for row in rows)
    assert load_checkpoint(Path("runs/dsprites/best.pt")).step == int(best["step"])


def test_reconstructions_are_logged_during_training(bvae: Bvae, data: Path) -> None:
    bvae("train", "--cpu", "--data", data, "--steps", 5, "--log-images-every", 2)
    drawn = sorted(Path("runs/dsprites/reconstructions").iterdir())
    assert [path.name for path in drawn] == ["step-0000002.png", "step-0000004.png"]
    assert imageio.imread(drawn[0]).shape[0] > 2 * 64


def test_tensorboard_contains_the_values_of_history(bvae: Bvae, data: Path) -> None:
    bvae("train", "--cpu", "--data", data, "--steps", 4, "--log-every", 2, "--tensorboard")
    events, rows = EventAccumulator("runs/dsprites/tensorboard").Reload(), history(Path("runs/dsprites"))
    for name in ("loss", "reconstruction_loss", "kl", "beta", "latent/kl_3"):
        shown = [(str(event.step), event.value) for event in events.Scalars(name)]
        column = name.removeprefix("latent/")
        assert shown == [(row["step"], pytest.approx(float(row[column]), rel=1e-5)) for row in rows]


def test_without_tensorboard_the_error_names_the_install_command(
    bvae: Bvae, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    result = bvae("train", "--cpu", "--data", data, "--steps", 1, "--tensorboard")
    assert result.code == 1
    assert "bvae[tensorboard]" in result.err


@pytest.mark.parametrize("objective", ["factor_vae", "beta_tcvae"])
def test_a_batch_of_one_is_refused_if_the_objective_compares_images(bvae: Bvae, data: Path, objective: str) -> None:
    result = bvae("train", "--cpu", "--data", data, "--objective", objective, "--batch-size", 1)
    assert result.code == 1
    assert "use --batch-size 2 or more" in result.err


def test_a_batch_larger_than_the_data_is_refused(bvae: Bvae, data: Path) -> None:
    result = bvae("train", "--cpu", "--data", data, "--batch-size", 1537)
    assert result.code == 1
    assert "only 384 images" in result.err


def test_the_learning_rate_may_be_a_schedule(bvae: Bvae, data: Path) -> None:
    options = ["--steps", 4, "--log-every", 1, "--learning-rate", "0:0,2:0.001,3:0"]
    bvae("train", "--cpu", "--data", data, *options)
    assert [float(row["learning_rate"]) for row in history(Path("runs/dsprites"))] == [0, 0.0005, 0.001, 0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the compiler itself
def test_a_compiled_step_equals_the_step_up_to_rounding(bvae: Bvae, data: Path) -> None:
    options = ["--cpu", "--data", data, "--net", "higgins_mlp", "--steps", 3, "--batch-size", 8]
    assert bvae("train", *options, "--out", "plain").code == 0
    assert bvae("train", *options, "--compile", "--out", "compiled").code == 0
    plain, compiled = (
        torch.cat([weight.flatten() for weight in load_checkpoint(Path(out, "checkpoint.pt")).vae.parameters()])
        for out in ("plain", "compiled")
    )
    assert (plain - compiled).norm() < 1e-5 * plain.norm()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the compiler itself
def test_without_a_compiler_the_error_names_the_remedy(
    bvae: Bvae, data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", ("no-such-compiler",))
    result = bvae("train", "--cpu", "--data", data, "--steps", 2, "--batch-size", 9, "--compile")
    assert result.code == 1
    assert "torch.compile failed" in result.err
    assert "remove --compile" in result.err


@pytest.mark.parametrize("objective", ["factor_vae", "info_gan"])
def test_compiling_a_step_of_two_networks_is_refused(bvae: Bvae, data: Path, objective: str) -> None:
    result = bvae("train", "--cpu", "--data", data, "--objective", objective, "--compile")
    assert result.code == 1
    assert "train.compile is unsupported" in result.err


def test_posterior_collapse_is_announced_by_train_and_traverse(bvae: Bvae, data: Path) -> None:
    arguments = ["--net", "higgins_conv", "--steps", 3, "--batch-size", 8, "--beta", 1000, "--out", "collapsed"]
    words = "0 of 10 latents active (posterior collapse)"
    assert words in bvae("train", "--cpu", "--data", data, *arguments).err
    assert words in bvae("traverse", "collapsed/checkpoint.pt").err


@pytest.mark.parametrize("objective", ["dc_ign", "ada_gvae"])
def test_selected_batches_are_the_same_if_they_are_streamed(bvae: Bvae, data: Path, objective: str) -> None:
    options = ["--cpu", "--data", data, "--steps", 6, "--log-every", 2, "--batch-size", 8, "--objective", objective]
    assert bvae("train", *options, "--out", "memory").code == 0
    assert bvae("train", *options, "--stream", "--out", "stream").code == 0
    assert history(Path("stream")) == history(Path("memory"))
