"""The table of Higgins et al. 2017: from given scores, and from a model and ground-truth factors on small data."""

import csv
import shutil
from pathlib import Path

import higgins_table
import pytest
from higgins_table import ROWS, Scores, format_mean_std, score_replica, upper_half, write_tables

from bvae_cli.images.in_memory import sample_indices
from bvae_cli.images.stream import open_stream
from bvae_cli.metrics.ground_truth import GroundTruth


def test_the_lower_half_of_the_scores_is_discarded() -> None:
    assert upper_half([3, 9, 1, 7, 5, 2]) == [5, 7, 9]
    assert upper_half([4]) == [4]


def test_the_standard_deviation_is_that_of_a_sample() -> None:
    assert format_mean_std([1, 2, 3]) == "2.00 ± 1.00"
    assert format_mean_std([50]) == "50.00 ± 0.00"


def test_the_tables_summarise_the_scores() -> None:
    trained = [Scores([90, 92, 94], 80, 5000), Scores([50, 96, 98], 84, 300_000)]
    untrained = [Scores([40, 40, 40], 30), Scores([40, 40, 40], 30)]
    write_tables({name: trained if row.preset else untrained for name, row in ROWS.items()}, Path("out"))
    lines = list(csv.reader(Path("out/table.csv").read_text().splitlines()))
    assert [line[0] for line in lines[1:]] == [row.name for row in ROWS.values()]
    beta = ["β-VAE", "99.23 ± 0.1", "96.00 ± 2.00", "86.67 ± 18.18", "82.00 ± 2.83", "5,000 of 300,000"]
    assert lines[-1] == beta
    assert lines[1] == ["ground truth", "100", "40.00 ± 0.00", "40.00 ± 0.00", "30.00 ± 0.00", ""]
    page = Path("out/table.md").read_text()
    assert f"| {' | '.join(beta)} |" in page
    assert "time-compressed runs for two cores" in page
    assert "over 2 seeds" in page
    scores = list(csv.reader(Path("out/scores.csv").read_text().splitlines()))
    assert scores[-1] == ["β-VAE", "1", "300000", "50", "96", "98", "84"]
    assert len(scores) == 1 + 2 * len(ROWS)


def test_the_note_of_full_length_runs_names_their_presets() -> None:
    write_tables({name: [Scores([90], 80, 300_000)] for name in ROWS}, Path("out"))
    assert "All models are trained for the steps of their presets" in Path("out/table.md").read_text()
    assert "| 300,000 |" in Path("out/table.md").read_text()


@pytest.mark.parametrize(("name", "minimum", "maximum"), [("factors", 99, 100), ("beta", 30, 100)])
def test_a_representation_is_scored_by_both_protocols(
    data: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, name: str, minimum: float, maximum: float
) -> None:
    monkeypatch.setattr(higgins_table, "IMAGES", 1000)
    Path("runs/higgins2017-3").mkdir(parents=True)
    shutil.copy(checkpoint, "runs/higgins2017-3")
    scores = score_replica(name, open_stream(data, "dsprites"), 3, Path("runs"))
    assert len(scores.published) == 3
    assert all(minimum <= value <= maximum for value in [*scores.published, scores.locatello])
    assert scores.steps == (200 if name == "beta" else None)


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if not row.preset])
def test_untrained_representations_are_computed_from_the_images(data: Path, name: str) -> None:
    images = open_stream(data, "dsprites")
    indices = sample_indices(images, 300, 0)
    truth = GroundTruth.from_labels(images.factors(indices), list(images.spec.factors))
    subset = images.subset(indices)
    codes = [higgins_table.compute_codes(name, subset, truth, seed, Path("runs"))[0] for seed in (0, 0)]
    assert codes[0].shape == (300, {"factors": 5, "pixels": 4096}.get(name, 10))
    assert (codes[0] == codes[1]).all()
