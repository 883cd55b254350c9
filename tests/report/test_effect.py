"""What a parameter does, on the page of several runs."""

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

Changed = Callable[..., Path]
KNOBS: list[Schedule] = [10.0, 1.0, ((0, 30.0), (100, 4.0)), 1.0]


@pytest.fixture
def study(changed: Changed, checkpoint: Path) -> list[Path]:
    """Runs of three settings of β, two of them with one seed."""
    params, runs = load_checkpoint(checkpoint).params, []
    for seed, beta in enumerate(KNOBS):
        train = replace(params.train, seed=seed, steps=1000, compress_schedule_to=200)
        runs.append(changed(f"run{seed}", params=replace(params, train=train, objective=BetaVAE(beta))))
        (runs[-1] / "metrics.json").write_text(
            json.dumps({"reconstruction_loss": 10.0 ** (seed + 1), "mig": 0.1 * seed})
        )
    return runs


def test_the_scores_stand_over_the_only_parameter_that_differs(bvae: Bvae, study: list[Path]) -> None:
    assert bvae("report", *study).code == 0
    page = Page(Path("report.html").read_text())
    assert "What beta does" in page.text
    section = page.source.split('id="effect"')[1].split("</section>")[0]
    assert [words for words in ("Reconstruction loss", "MIG", "KL") if f"<h3>{words}" in section] == [
        "Reconstruction loss",
        "MIG",
    ]
    assert section.index(">1<") < section.index(">10<") < section.index(">30 → 4<")


def test_where_more_than_one_parameter_differs_nothing_is_said_of_one(
    bvae: Bvae, study: list[Path], changed: Changed, checkpoint: Path
) -> None:
    params = load_checkpoint(checkpoint).params
    other = changed("other", params=replace(params, model=replace(params.model, likelihood="gaussian")))
    assert bvae("report", *study, other).code == 0
    assert "What beta does" not in Path("report.html").read_text()


def test_numbers_stand_by_their_size_before_paths_and_words() -> None:
    values = ["weighted", "0:1,10:4", "10", "", "2.5"]
    assert sorted(values, key=sort_key) == ["2.5", "10", "0:1,10:4", "weighted", ""]
    assert [value_label(value) for value in values] == ["weighted", "1 → 4", "10", "—", "2.5"]


def test_a_page_says_that_what_it_shows_is_a_short_form(bvae: Bvae, study: list[Path], checkpoint: Path) -> None:
    assert bvae("report", *study).code == 0
    assert Path("report.html").read_text().count("200 steps stand for the 1,000 of the experiment") == 1
    assert bvae("report", study[0]).code == 0
    assert "200 steps stand for the 1,000 of the experiment" in (study[0] / "report.html").read_text()
    short, whole = load_checkpoint(study[0] / "checkpoint.pt"), load_checkpoint(checkpoint)
    assert compressed_notes({"a": whole}) == []
    (sentence,) = compressed_notes({"a": whole, "b": short, "c": short})
    assert sentence.startswith("b and c: This is a short form")
