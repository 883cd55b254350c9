"""What pages are made of."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import ROOT

from bvae_cli import config
from bvae_cli.checkpoint import load_checkpoint, training_settings
from bvae_cli.datasets import DATASETS
from bvae_cli.evaluation.descriptions import DESCRIPTIONS
from bvae_cli.images.spec import DataSpec
from bvae_cli.latents import Latent
from bvae_cli.report.charts import PLACES, Line, downsample, line_chart
from bvae_cli.report.parameters import params_yaml
from bvae_cli.report.provenance import download_arguments
from bvae_cli.report.run_record import RunRecord
from bvae_cli.report.score_groups import GROUPS, select_groups
from bvae_cli.report.summary import describe_outcome, summarize_run
from bvae_cli.report.templates import break_schedule, format_number

EXPERIMENTS = [ROOT / "params.yaml", *sorted((ROOT / "pipelines").glob("*_*.yaml"))]
FACTORS = {"shape": 3, "scale": 6, "posX": 32, "alone": 1}


@pytest.mark.parametrize(
    ("latents", "said"),
    [
        ([("posX", 0.5), ("", 0.0)], "posX has a latent of its own, shape and scale have none."),
        ([("scale", 0.5), ("posX", 0.4)], "scale and posX have a latent each, shape has no latent."),
        ([("posX", 0.5), ("posX", 0.3)], "posX is told in part, shape and scale have none."),
        ([("posX", 0.5), ("posX", 0.2)], "posX has a latent of its own, shape and scale have none."),
        ([("posX", 0.3), ("shape", 0.3)], "shape and posX are told in part, scale has no latent."),
    ],
)
def test_what_came_of_it_is_said_in_a_sentence(latents: Sequence[tuple[str, float]], said: str) -> None:
    made = [Latent(index, 1.0, 0.1, -1.0, 1.0, name or None, 1.0, share) for index, (name, share) in enumerate(latents)]
    assert describe_outcome(made, FACTORS) == f"2 of 2 latents are used; {said}"


def test_of_unused_latents_of_none_and_without_factors_it_is_said_too() -> None:
    dead = Latent(0, 0.0, 1.0, 0.0, 0.0, None, 0.0, 0.0)
    assert describe_outcome([], FACTORS) == "What its latents tell of the data is not known."
    assert describe_outcome([dead], {}) == "0 of 1 latent is used; the data has no known factors by which to name them."


def test_a_run_is_said_in_two_sentences(checkpoint: Path) -> None:
    model = replace(
        load_checkpoint(checkpoint), params=config.load_params(ROOT / "params.yaml", {}), step=12_500, latents=[]
    )
    assert summarize_run(model).startswith("A β-VAE (β 30 → 1) with 10 latents, trained for 12,500 steps on dsprites.")
    capacity = config.build_params({"objective": {"name": "annealed_vae", "gamma": 100, "capacity": [[0, 0], [9, 18]]}})
    assert summarize_run(replace(model, params=capacity)).startswith("A β-VAE of controlled capacity (γ 100, C 0 → 18)")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.48, "0.480"),
        (6.0, "6"),
        (-113.2, "−113"),
        (105.4, "105"),
        (12_345.6, "12,346"),
        (float("nan"), "not finite"),
        (float("-inf"), "not finite"),
        (1e300, "1.00e+300"),
        (1e-9, "1.00e−09"),
    ],
)
def test_numbers_are_shown_as_they_are_read(value: float, shown: str) -> None:
    assert format_number(value) == shown


def test_a_path_breaks_after_commas_and_is_escaped() -> None:
    assert break_schedule("0:1,<b>") == "0:1,<wbr>&lt;b&gt;"
    assert break_schedule("") == ""


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.name)
def test_a_recipe_makes_the_same_experiment(checkpoint: Path, path: Path) -> None:
    params = config.load_params(path, {})
    model = replace(load_checkpoint(checkpoint), params=params)
    assert training_settings(config.build_params(yaml.safe_load(params_yaml(model)))) == training_settings(params)


@pytest.mark.parametrize(
    ("spec", "source", "command"),
    [
        (DATASETS["dsprites"].spec, "", "bvae download dsprites"),
        (DATASETS["dsprites"].spec, "procedural", "bvae download dsprites"),
        (DATASETS["dsprites"].spec, "official", "bvae download dsprites --source official"),
        (DATASETS["dsprites"].spec, "own file, sha256 12", "bvae download dsprites --from FILE"),
        (replace(DATASETS["celeba"].spec, center_crop=148), "images", "bvae download celeba --center-crop 148"),
        (DataSpec("mine", 3, "gaussian", {}, 9, "bytes", 0, "box"), "own folder, sha256 12",
         "bvae download folder --name mine --from DIR --resample box --channels 3"),
    ],
)  # fmt: skip
def test_the_command_that_makes_the_data_anew(spec: DataSpec, source: str, command: str) -> None:
    assert " ".join(download_arguments(spec, source)) == command


def test_every_score_is_explained_once_and_a_new_one_is_shown() -> None:
    explained = [score.name for group in GROUPS for score in group.scores]
    assert len(explained) == len(set(explained))
    assert set(explained) == set(DESCRIPTIONS)
    assert [group.title for group in select_groups(["mig", "new"])] == ["How well the latents come apart", "Others"]
    better = [
        score.better
        for group in select_groups(["mig", "kl", "gaussian_wasserstein_correlation_norm"])
        for score in group.scores
    ]
    assert better == ["", "higher", "lower"]


def test_a_long_curve_keeps_its_ends_and_its_peaks() -> None:
    steps = np.arange(30_000.0)
    values = np.sin(steps / 3000)
    values[12_345], values[23_456], values[5] = 50, -50, np.nan
    kept, shown = downsample(steps, values)
    assert len(kept) <= 2 * PLACES
    assert (shown.max(), shown.min()) == (50, -50)
    assert (np.diff(kept) > 0).all()
    assert kept[-1] > 29_000


@pytest.mark.parametrize("values", [[], [np.nan], [1.0], [np.inf, 2.0, -1.0], [1e300, 1e-300]])
def test_any_curve_is_drawn_the_same_each_time_and_is_no_address(values: list[float]) -> None:
    line = Line(np.arange(len(values), dtype=float), np.array(values))
    drawn = [line_chart([line], "chart", "<what it shows>", wide=True) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert "http" not in drawn[0]
    assert 'aria-label="&lt;what it shows&gt;"' in drawn[0]
    assert "currentColor" in drawn[0]


def test_a_run_shows_itself(evaluated: Path) -> None:
    run = RunRecord.open(evaluated)
    shown = run._repr_html_()
    assert "trained for 200 steps" in shown
    assert "Modularity" in shown
    assert run.traversal(3, 1).height < run.traversal().height + 1
    assert run.traversal(3).width == run.traversal().width
