"""The section about the effect of a hyperparameter in the comparison of several runs."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Bvae
from pages import Page

from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.objectives.beta_vae import BetaVAE
from bvae_cli.objectives.schedule import Schedule
from bvae_cli.report.effect import sort_key, value_label
from bvae_cli.report.summary import compressed_notes

ModifiedRun = Callable[..., Path]
BETAS: list[Schedule] = [10.0, 1.0, ((0, 30.0), (100, 4.0)), 1.0]


@pytest.fixture
def study(changed: ModifiedRun, checkpoint: Path) -> list[Path]:
    """Runs of three settings of β; two settings have one seed."""
    params, runs = load_checkpoint(checkpoint).params, []
    for seed, beta in enumerate(BETAS):
        train = replace(params.train, seed=seed, steps=1000, compress_schedule_to=200)
        runs.append(changed(f"run{seed}", params=replace(params, train=train, objective=BetaVAE(beta))))
        (runs[-1] / "metrics.json").write_text(
            json.dumps({"reconstruction_loss": 10.0 ** (seed + 1), "mig": 0.1 * seed})
        )
    return runs


def test_scores_are_plotted_over_the_only_parameter_that_differs(bvae: Bvae, study: list[Path]) -> None:
    assert bvae("report", *study).code == 0
    page = Page(Path("report.html").read_text())
    assert "Effect of beta" in page.text
    section = page.source.split('id="effect"')[1].split("</section>")[0]
    assert [title for title in ("Reconstruction loss", "MIG", "KL") if f"<h3>{title}" in section] == [
        "Reconstruction loss",
        "MIG",
    ]
    assert section.index(">1<") < section.index(">10<") < section.index(">30 → 4<")


def test_no_effect_is_shown_if_several_parameters_differ(
    bvae: Bvae, study: list[Path], changed: ModifiedRun, checkpoint: Path
) -> None:
    params = load_checkpoint(checkpoint).params
    other = changed("other", params=replace(params, model=replace(params.model, likelihood="gaussian")))
    assert bvae("report", *study, other).code == 0
    assert "Effect of" not in Path("report.html").read_text()


def test_numbers_are_sorted_by_size_before_schedules_and_words() -> None:
    values = ["mws", "0:1,10:4", "10", "", "2.5"]
    assert sorted(values, key=sort_key) == ["2.5", "10", "0:1,10:4", "mws", ""]
    assert [value_label(value) for value in values] == ["mws", "1 → 4", "10", "—", "2.5"]


def test_compressed_schedule_is_stated_in_the_report(bvae: Bvae, study: list[Path], checkpoint: Path) -> None:
    assert bvae("report", *study).code == 0
    assert Path("report.html").read_text().count("200 steps instead of the 1,000 of the experiment") == 1
    assert bvae("report", study[0]).code == 0
    assert "200 steps instead of the 1,000 of the experiment" in (study[0] / "report.html").read_text()
    compressed, full = load_checkpoint(study[0] / "checkpoint.pt"), load_checkpoint(checkpoint)
    assert compressed_notes({"a": full}) == []
    (note,) = compressed_notes({"a": full, "b": compressed, "c": compressed})
    assert note.startswith("b and c: Compressed schedule: 200 steps")
