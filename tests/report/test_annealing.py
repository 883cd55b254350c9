"""The section about an annealed hyperparameter in the report of a run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Bvae
from pages import Page

from bvae_cli.objectives.annealed_vae import AnnealedVAE
from bvae_cli.params import Params, TrainParams
from bvae_cli.report.annealing import MAX_STAGES, is_nondecreasing, load_stages, truncate_at_maximum
from bvae_cli.report.run_files import Curves

TRAIN_OPTIONS = (
    "--cpu",
    "--steps",
    12,
    "--checkpoint-minutes",
    0,
    "--log-every",
    1,
    "--batch-size",
    4,
    "--latent-dim",
    2,
    "--out",
    "annealed",
)


def train_and_report(bvae: Bvae, data: Path, *options: object) -> Page:
    assert bvae("train", "--data", data, *TRAIN_OPTIONS, *options).code == 0
    done = bvae("report", "annealed")
    assert done.code == 0, done.err
    return Page(Path("annealed/report.html").read_text(encoding="utf-8"))


def test_report_shows_annealing_of_capacity(bvae: Bvae, data: Path) -> None:
    options = ("--objective", "annealed_vae", "--capacity", "0:0,9:18", "--log-images-every", 2)
    page = train_and_report(bvae, data, *options)
    assert "<h2>Annealing of capacity</h2>" in page.source
    assert (
        page.source.count('<figure class="logged">') == 5
    )  # steps 2 to 10; at step 12 the capacity is that of step 10
    assert "capacity 2, step 2<" in page.source
    assert "capacity 18, step 10<" in page.source
    assert "capacity 18, step 12<" not in page.source
    assert "over capacity" in page.source


def test_report_has_no_annealing_section_if_the_hyperparameter_decreases_or_is_constant(bvae: Bvae, data: Path) -> None:
    assert 'id="annealing"' not in train_and_report(bvae, data, "--beta", "0:9,9:1").source
    assert 'id="annealing"' not in train_and_report(bvae, data, "--beta", 4).source


def test_corrupt_logged_image_is_reported(bvae: Bvae, data: Path) -> None:
    train_and_report(bvae, data, "--beta", "0:1,9:9")
    Path("annealed/reconstructions").mkdir()
    Path("annealed/reconstructions/step-0000002.png").write_text("not an image")
    done = bvae("report", "annealed")
    assert done.code == 1
    assert "step-0000002.png is corrupt: not an image" in done.err


def test_annealing_curves_end_at_the_maximum() -> None:
    columns = {"beta": np.array([1.0, 2, 3, 3, 3]), "loss": np.arange(5.0)}
    curves = Curves(np.arange(5.0), columns, ("beta",))
    assert is_nondecreasing(curves, "beta")
    annealed = truncate_at_maximum(curves, "beta")
    assert annealed.steps.tolist() == [1, 2, 3]
    assert annealed.columns["loss"].tolist() == [0, 1, 2]


def test_many_logged_images_are_thinned_out_evenly(tmp_path: Path) -> None:
    from PIL import Image

    for step in range(1, 30):
        Image.new("L", (4, 4)).save(tmp_path / f"step-{step:07d}.png")
    params = Params(objective=AnnealedVAE(capacity=((0, 0.0), (100, 25.0))))
    stages = load_stages(tmp_path, params, "capacity")
    assert len(stages) == MAX_STAGES
    assert [stages[0].step, stages[-1].step] == [1, 29]
    compressed = replace(params, train=TrainParams(steps=90, compress_schedule_to=30))
    assert [stage.value for stage in load_stages(tmp_path, compressed, "capacity")][-1] == pytest.approx(28 * 3 * 0.25)
