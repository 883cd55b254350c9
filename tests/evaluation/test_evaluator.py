"""bvae evaluate."""

import csv
import json
from pathlib import Path

import pytest
import torch
from conftest import Bvae

from bvae_cli.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from bvae_cli.evaluation import evaluator
from bvae_cli.evaluation.evaluator import evaluate
from bvae_cli.images.in_memory import load_images
from bvae_cli.metrics import METRICS
from bvae_cli.models.vae import VAE
from bvae_cli.params import EvaluateParams
from bvae_cli.system.reporting import ignore_progress

FEW = ["--metric", "beta_vae_score", "--metric", "mig"]


def scores(folder: Path) -> dict[str, float]:
    content: dict[str, float] = json.loads((folder / "metrics.json").read_text())
    return content


def test_scores_are_printed_and_written(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    result = bvae("evaluate", checkpoint, "--data", data, "--cpu", "--out", "here")
    assert result.code == 0
    found = scores(Path("here"))
    parts = ["index_code_mi", "total_correlation", "dimension_wise_kl"]
    losses = ["elbo", "reconstruction_loss", "kl", *parts, "active_units"]
    assert list(found)[:7] == losses
    default = {name for metric in METRICS.values() if metric.is_default for name in metric.descriptions}
    assert set(found) == {*losses, *default, *(f"{part}_stderr" for part in parts)}
    assert all(name.removesuffix("_stderr") in result.out for name in found)
    assert found["elbo"] == pytest.approx(-found["reconstruction_loss"] - found["kl"])
    assert 0.3 <= found["beta_vae_score"] <= 1


def test_summary_prints_the_written_scores(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    first = bvae("evaluate", checkpoint, "--data", data, "--cpu", "--out", "here", *FEW, "--repeats", 2)
    again = bvae("summary", "here")
    assert again.code == 0
    for part in ("Latents (KL", "Scores"):  # written with six digits, printed with two
        assert part in again.out
    assert again.out.split("Scores")[1] == first.out.split("Scores")[1] + "here/mutual_information.png\n"
    Path("here/metrics.json").write_text("[1]")
    assert "here/metrics.json is corrupt" in bvae("summary", "here").err


def test_the_elbo_of_a_sample_has_a_standard_error_and_is_near_that_of_all_images(
    checkpoint: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluator, "ELBO_IMAGES", 100)
    model, images, cpu = load_checkpoint(checkpoint), load_images(data, "dsprites"), torch.device("cpu")
    some = evaluate(model, images, EvaluateParams(metrics=("mig",)), cpu, Path("some"), ignore_progress).scores
    every = evaluate(
        model, images, EvaluateParams(metrics=("mig",), full_elbo=True), cpu, Path("every"), ignore_progress
    ).scores
    assert not {"elbo", "reconstruction_loss"} & every.stderrs.keys()
    assert some.values["kl"] == every.values["kl"]
    assert some.values["elbo"] == pytest.approx(every.values["elbo"], abs=4 * some.stderrs["elbo"])
    assert scores(Path("some"))["reconstruction_loss_stderr"] == some.stderrs["reconstruction_loss"] > 0


def test_losses_are_averaged_over_all_images(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    bvae("evaluate", checkpoint, "--data", data, "--cpu", "--out", "here", "--seed", 3, *FEW)
    vae, images = load_checkpoint(checkpoint).vae, load_images(data, "dsprites")
    noise = torch.Generator().manual_seed(3)
    with torch.no_grad():
        parts = [vae(images[index], torch.randn(64, 10, generator=noise)) for index in torch.arange(384).view(-1, 64)]
        reconstruction = torch.cat([out.reconstruction_loss for out in parts]).mean().item()
        kl = torch.cat([out.kl for out in parts]).sum(dim=1).mean().item()
    found = scores(Path("here"))
    assert found["reconstruction_loss"] == pytest.approx(reconstruction, rel=0.01)  # the command's is in bfloat16
    assert found["kl"] == pytest.approx(kl, rel=0.01)


def test_latents_are_written_in_order_of_their_kl(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    bvae("evaluate", checkpoint, "--data", data, "--cpu", "--out", "here", *FEW)
    with Path("here/latents.csv").open() as file:
        rows = list(csv.DictReader(file))
    kls = [float(row["kl"]) for row in rows]
    assert kls == sorted(kls, reverse=True)
    assert sorted(int(row["latent"]) for row in rows) == list(range(10))
    assert rows[0]["top_factor"] in {"shape", "scale", "orientation", "posX", "posY"}


def test_scores_are_reproducible_by_seed(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    for out in ("one", "other"):
        bvae("evaluate", checkpoint, "--data", data, "--cpu", "--out", out, *FEW)
    for name in ("metrics.json", "latents.csv"):
        assert Path("one", name).read_bytes() == Path("other", name).read_bytes()


def test_each_image_is_encoded_once(checkpoint: Path, data: Path) -> None:
    seen = 0

    def count(module: torch.nn.Module, given: tuple[torch.Tensor]) -> None:
        nonlocal seen
        seen += len(given[0])

    model, images = load_checkpoint(checkpoint), load_images(data, "dsprites")
    model.vae.encoder.register_forward_pre_hook(count)
    evaluate(
        model,
        images,
        EvaluateParams(metrics=("beta_vae_score", "mig")),
        torch.device("cpu"),
        Path(),
        ignore_progress,
        others=[load_checkpoint(checkpoint)],
    )
    assert seen == len(images)


def test_an_unknown_metric_is_an_error_before_encoding(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    done = bvae("evaluate", checkpoint, "--data", data, "--cpu", "--out", ".", "--metric", "mgi")
    assert done.code == 1
    assert "did you mean mig?" in done.err
    assert "encoding" not in done.err


def test_a_collapsed_model_is_evaluated_without_warnings(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    model = load_checkpoint(checkpoint)
    vae = VAE("higgins_conv", "bernoulli", 1, 10)
    for weight in vae.encoder[-1].parameters():
        torch.nn.init.zeros_(weight)
    collapsed = Checkpoint(0, model.params, model.spec, vae, model.latents, model.examples)
    save_checkpoint(collapsed, Path("collapsed.pt"))
    result = bvae("evaluate", "collapsed.pt", "--data", data, "--cpu")
    assert result.code == 0
    assert result.out.count("inactive") == 10
    assert "0 of 10 latents active (posterior collapse)" in result.err
    assert "near its maximum" not in result.err
    assert scores(Path())["active_units"] == 0
    assert scores(Path())["kl"] == 0
    assert scores(Path())["beta_vae_score"] == pytest.approx(0.2, abs=0.03)


def test_information_limited_by_the_number_of_images_is_named(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    model = load_checkpoint(checkpoint)
    *_, last = model.vae.encoder.parameters()
    last.data[10:] = -25.0  # log-variances
    save_checkpoint(model, Path("narrow.pt"))
    result = bvae("evaluate", "narrow.pt", "--data", data, "--cpu", *FEW)
    assert "index_code_mi is near its maximum, ln 384 = 5.95 nats" in result.err


def test_without_data_the_hint_is_the_download_command(bvae: Bvae, checkpoint: Path) -> None:
    result = bvae("evaluate", checkpoint)
    assert result.code == 1
    assert "create it: bvae download dsprites" in result.err
