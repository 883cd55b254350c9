"""Sentences, numbers, commands and charts of the report."""

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
from bvae_cli.report.charts import NUM_BINS, Line, downsample, line_chart
from bvae_cli.report.parameters import params_yaml
from bvae_cli.report.provenance import download_arguments
from bvae_cli.report.run_record import RunRecord
from bvae_cli.report.score_groups import GROUPS, select_groups
from bvae_cli.report.summary import describe_outcome, summarize_run
from bvae_cli.report.templates import break_schedule, format_number

EXPERIMENTS = [ROOT / "params.yaml", *sorted((ROOT / "pipelines").glob("*_*.yaml"))]
FACTORS = {"shape": 3, "scale": 6, "posX": 32, "alone": 1}


@pytest.mark.parametrize(
    ("latents", "expected"),
    [
        ([("posX", 0.5), ("", 0.0)], "posX is captured by one latent, shape and scale are not captured."),
        ([("scale", 0.5), ("posX", 0.4)], "scale and posX are each captured by one latent, shape is not captured."),
        ([("posX", 0.5), ("posX", 0.3)], "posX is captured in part, shape and scale are not captured."),
        ([("posX", 0.5), ("posX", 0.2)], "posX is captured by one latent, shape and scale are not captured."),
        ([("posX", 0.3), ("shape", 0.3)], "shape and posX are captured in part, scale is not captured."),
    ],
)
def test_outcome_is_summarized_in_a_sentence(latents: Sequence[tuple[str, float]], expected: str) -> None:
    rows = [Latent(index, 1.0, 0.1, -1.0, 1.0, name or None, 1.0, share) for index, (name, share) in enumerate(latents)]
    assert describe_outcome(rows, FACTORS) == f"2 of 2 latents are active; {expected}"


@pytest.mark.parametrize(
    ("active", "total", "clause"),
    [
        (0, 1, "0 of 1 latent is active"),
        (1, 1, "1 of 1 latent is active"),
        (0, 10, "0 of 10 latents are active"),
        (1, 10, "1 of 10 latents is active"),
        (2, 10, "2 of 10 latents are active"),
    ],
)
def test_number_of_active_latents_agrees_with_its_verb(active: int, total: int, clause: str) -> None:
    latents = [Latent(index, float(index < active), 1.0, 0.0, 0.0, None, 0.0, 0.0) for index in range(total)]
    assert describe_outcome(latents, {}) == f"{clause}; the data set has no ground-truth factors."


def test_missing_latent_statistics_are_stated() -> None:
    assert describe_outcome([], FACTORS) == "Its latents have no statistics."


def test_run_is_summarized_in_two_sentences(checkpoint: Path) -> None:
    model = replace(
        load_checkpoint(checkpoint), params=config.load_params(ROOT / "params.yaml", {}), step=12_500, latents=[]
    )
    assert summarize_run(model).startswith("A β-VAE (β 30 → 1) with 10 latents, trained for 12,500 steps on dsprites.")
    annealed = config.build_params({"objective": {"name": "annealed_vae", "gamma": 100, "capacity": [[0, 0], [9, 18]]}})
    assert summarize_run(replace(model, params=annealed)).startswith(
        "An AnnealedVAE (capacity-annealed β-VAE) (γ 100, C 0 → 18)"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.48, "0.480"),
        (6.0, "6"),
        (-113.2, "−113"),
        (105.4, "105"),
        (12_345.6, "12,346"),
        (float("nan"), "NaN"),
        (float("-inf"), "infinite"),
        (1e300, "1.00e+300"),
        (1e-9, "1.00e−09"),
    ],
)
def test_numbers_are_formatted_with_three_significant_digits(value: float, text: str) -> None:
    assert format_number(value) == text


def test_schedule_breaks_after_commas_and_is_escaped() -> None:
    assert break_schedule("0:1,<b>") == "0:1,<wbr>&lt;b&gt;"
    assert break_schedule("") == ""


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.name)
def test_params_yaml_reproduces_the_experiment(checkpoint: Path, path: Path) -> None:
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
def test_command_that_recreates_the_data_file(spec: DataSpec, source: str, command: str) -> None:
    assert " ".join(download_arguments(spec, source)) == command


def test_every_score_is_explained_once_and_unknown_scores_are_shown() -> None:
    explained = [score.name for group in GROUPS for score in group.scores]
    assert len(explained) == len(set(explained))
    assert set(explained) == set(DESCRIPTIONS)
    assert [group.title for group in select_groups(["mig", "new"])] == ["Disentanglement", "Other scores"]
    better = [
        score.better
        for group in select_groups(["mig", "kl", "gaussian_wasserstein_correlation_norm"])
        for score in group.scores
    ]
    assert better == ["", "higher", "lower"]


def test_downsampled_curve_keeps_its_ends_and_peaks() -> None:
    steps = np.arange(30_000.0)
    values = np.sin(steps / 3000)
    values[12_345], values[23_456], values[5] = 50, -50, np.nan
    sampled_steps, sampled_values = downsample(steps, values)
    assert len(sampled_steps) <= 2 * NUM_BINS
    assert (sampled_values.max(), sampled_values.min()) == (50, -50)
    assert (np.diff(sampled_steps) > 0).all()
    assert sampled_steps[-1] > 29_000


@pytest.mark.parametrize("values", [[], [np.nan], [1.0], [np.inf, 2.0, -1.0], [1e300, 1e-300]])
def test_chart_of_any_curve_is_reproducible_and_contains_no_url(values: list[float]) -> None:
    line = Line(np.arange(len(values), dtype=float), np.array(values))
    charts = [line_chart([line], "chart", "<description>", log_scale=True) for _ in range(2)]
    assert charts[0] == charts[1]
    assert "http" not in charts[0]
    assert 'aria-label="&lt;description&gt;"' in charts[0]
    assert "currentColor" in charts[0]


def test_run_has_an_html_representation(evaluated: Path) -> None:
    run = RunRecord.open(evaluated)
    html = run._repr_html_()
    assert "trained for 200 steps" in html
    assert "Modularity" in html
    assert run.traversal(3, 1).height < run.traversal().height + 1
    assert run.traversal(3).width == run.traversal().width
