"""bvae evaluate."""

import csv
import json
from pathlib import Path

import pytest
import torch
from conftest import Bvae

from bvae_cli.checkpoint import Checkpoint, load, save
from bvae_cli.datasets.images import load as load_images
from bvae_cli.evaluation import evaluating
from bvae_cli.evaluation.evaluating import evaluate
from bvae_cli.metrics import METRICS
from bvae_cli.models.vae import VAE
from bvae_cli.params import Evaluate
from bvae_cli.system.reporting import silent

FEW = ["--metric", "higgins", "--metric", "mig"]


def scores(folder: Path) -> dict[str, float]:
    content: dict[str, float] = json.loads((folder / "metrics.json").read_text())
    return content


def test_scores_are_shown_and_written(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    result = bvae("evaluate", checkpoint, "--data", data, "--cpu", "--out", "here")
    assert result.code == 0
    found = scores(Path("here"))
    parts = ["kl_mutual_information", "kl_total_correlation", "kl_dimension_wise"]
    told = ["elbo", "reconstruction", "kl", *parts, "latents_used"]
    assert list(found)[:7] == told
    usual = {name for metric in METRICS.values() if metric.usual for name in metric.meanings}
    assert set(found) == {*told, *usual, *(f"{part}_error" for part in parts)}
    assert all(name.removesuffix("_error") in result.out for name in found)
    assert found["elbo"] == pytest.approx(-found["reconstruction"] - found["kl"])
    assert 0.3 <= found["higgins"] <= 1


def test_what_was_written_is_shown_again(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    first = bvae("evaluate", checkpoint, "--data", data, "--cpu", "--out", "here", *FEW, "--repeats", 2)
    again = bvae("show", "here")
    assert again.code == 0
    for part in ("Which latent is which", "Scores"):  # a table has six digits of a number, of which two are shown
        assert part in again.out
    assert again.out.split("Scores")[1] == first.out.split("Scores")[1] + "here/information.png\n"
    Path("here/metrics.json").write_text("[1]")
    assert "damaged" in bvae("show", "here").err


def test_the_bound_of_some_images_is_near_that_of_all_and_tells_its_error(
    checkpoint: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "DECODED", 400)
    model, images, cpu = load(checkpoint), load_images(data, "dsprites"), torch.device("cpu")
    some = evaluate(model, images, Evaluate(metrics=("mig",)), cpu, Path("some"), silent).scores
    every = evaluate(model, images, Evaluate(metrics=("mig",), all=True), cpu, Path("every"), silent).scores
    assert not {"elbo", "reconstruction"} & every.errors.keys()
    assert some.values["kl"] == every.values["kl"]
    assert some.values["elbo"] == pytest.approx(every.values["elbo"], abs=4 * some.errors["elbo"])
    assert scores(Path("some"))["reconstruction_error"] == some.errors["reconstruction"] > 0


def test_the_losses_are_means_over_all_images(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    bvae("evaluate", checkpoint, "--data", data, "--cpu", "--out", "here", "--seed", 3, *FEW)
    vae, images = load(checkpoint).vae, load_images(data, "dsprites")
    noise = torch.Generator().manual_seed(3)
    with torch.no_grad():
        parts = [vae(images[index], torch.randn(64, 10, generator=noise)) for index in torch.arange(1536).view(-1, 64)]
        reconstruction = torch.cat([out.reconstruction for out in parts]).mean().item()
        kl = torch.cat([out.kl for out in parts]).sum(dim=1).mean().item()
    found = scores(Path("here"))
    assert found["reconstruction"] == pytest.approx(reconstruction, rel=0.01)  # the command's is in bfloat16
    assert found["kl"] == pytest.approx(kl, rel=0.01)


def test_the_table_is_written_from_the_most_telling_latent_to_the_least(
    bvae: Bvae, checkpoint: Path, data: Path
) -> None:
    bvae("evaluate", checkpoint, "--data", data, "--cpu", "--out", "here", *FEW)
    with Path("here/latents.csv").open() as file:
        rows = list(csv.DictReader(file))
    kls = [float(row["kl"]) for row in rows]
    assert kls == sorted(kls, reverse=True)
    assert sorted(int(row["index"]) for row in rows) == list(range(10))
    assert rows[0]["factor"] in {"shape", "scale", "orientation", "posX", "posY"}


def test_a_seed_gives_a_score(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    for out in ("one", "other"):
        bvae("evaluate", checkpoint, "--data", data, "--cpu", "--out", out, *FEW)
    for name in ("metrics.json", "latents.csv"):
        assert Path("one", name).read_bytes() == Path("other", name).read_bytes()


def test_each_image_is_encoded_once(checkpoint: Path, data: Path) -> None:
    seen = 0

    def count(module: torch.nn.Module, given: tuple[torch.Tensor]) -> None:
        nonlocal seen
        seen += len(given[0])

    model, images = load(checkpoint), load_images(data, "dsprites")
    model.vae.encoder.register_forward_pre_hook(count)
    evaluate(
        model,
        images,
        Evaluate(metrics=("higgins", "mig")),
        torch.device("cpu"),
        Path(),
        silent,
        others=[load(checkpoint)],
    )
    assert seen == len(images)


def test_a_wrong_metric_is_told_before_anything_is_encoded(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    done = bvae("evaluate", checkpoint, "--data", data, "--cpu", "--out", ".", "--metric", "mgi")
    assert done.code == 1
    assert "did you mean mig?" in done.err
    assert "encoding" not in done.err


def test_a_dead_model_is_scored_without_a_word_of_warning(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    alive = load(checkpoint)
    vae = VAE("conv_h", "bernoulli", 1, 10)
    torch.nn.init.zeros_(vae.encoder[-1].weight)  # type: ignore[index]
    torch.nn.init.zeros_(vae.encoder[-1].bias)  # type: ignore[index]
    dead = Checkpoint(0, alive.params, alive.spec, vae, alive.latents, alive.examples)
    save(dead, Path("dead.pt"))
    result = bvae("evaluate", "dead.pt", "--data", data, "--cpu")
    assert result.code == 0
    assert result.out.count("unused") == 10
    assert scores(Path())["latents_used"] == 0
    assert scores(Path())["kl"] == 0
    assert scores(Path())["higgins"] == pytest.approx(0.2, abs=0.03)


def test_without_data_the_error_says_how_to_make_them(bvae: Bvae, checkpoint: Path) -> None:
    result = bvae("evaluate", checkpoint)
    assert result.code == 1
    assert "make it: bvae download dsprites" in result.err
