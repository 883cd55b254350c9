"""What came as a knob grew, on the page of a run."""

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

SHORT = (
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
    "grown",
)


def trained(bvae: Bvae, data: Path, *options: object) -> Page:
    assert bvae("train", "--data", data, *SHORT, *options).code == 0
    done = bvae("report", "grown")
    assert done.code == 0, done.err
    return Page(Path("grown/report.html").read_text(encoding="utf-8"))


def test_a_page_shows_what_came_as_the_capacity_grew(bvae: Bvae, data: Path) -> None:
    grows = ("--objective", "annealed_vae", "--capacity", "0:0,9:18", "--log-images-every", 2)
    page = trained(bvae, data, *grows)
    assert "As capacity grew" in page.source
    assert page.source.count('<figure class="stage">') == 5  # steps 2 to 10; at 12 it is what it was
    assert "capacity 2, step 2<" in page.source
    assert "capacity 18, step 10<" in page.source
    assert "capacity 18, step 12<" not in page.source
    assert "over capacity" in page.source


def test_a_knob_that_falls_or_is_held_has_no_such_part(bvae: Bvae, data: Path) -> None:
    assert "grew" not in trained(bvae, data, "--beta", "0:9,9:1").source
    assert "grew" not in trained(bvae, data, "--beta", 4).source


def test_a_damaged_picture_is_named(bvae: Bvae, data: Path) -> None:
    trained(bvae, data, "--beta", "0:1,9:9")
    Path("grown/reconstructions").mkdir()
    Path("grown/reconstructions/step-0000002.png").write_text("no picture")
    done = bvae("report", "grown")
    assert done.code == 1
    assert "step-0000002.png is damaged: it is no picture" in done.err


def test_curves_end_where_the_knob_is_grown() -> None:
    columns = {"beta": np.array([1.0, 2, 3, 3, 3]), "loss": np.arange(5.0)}
    curves = Curves(np.arange(5.0), columns, ("beta",))
    assert is_nondecreasing(curves, "beta")
    grown = truncate_at_maximum(curves, "beta")
    assert grown.steps.tolist() == [1, 2, 3]
    assert grown.columns["loss"].tolist() == [0, 1, 2]


def test_of_many_pictures_some_are_shown_from_the_first_to_the_last(tmp_path: Path) -> None:
    from PIL import Image

    for step in range(1, 30):
        Image.new("L", (4, 4)).save(tmp_path / f"step-{step:07d}.png")
    params = Params(objective=AnnealedVAE(capacity=((0, 0.0), (100, 25.0))))
    shown = load_stages(tmp_path, params, "capacity")
    assert len(shown) == MAX_STAGES
    assert [shown[0].step, shown[-1].step] == [1, 29]
    short = replace(params, train=TrainParams(steps=90, compress_schedule_to=30))
    assert [stage.value for stage in load_stages(tmp_path, short, "capacity")][-1] == pytest.approx(28 * 3 * 0.25)
