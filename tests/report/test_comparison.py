"""bvae report of several runs."""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Bvae
from pages import Page

from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.objectives.beta_vae import BetaVAE
from bvae_cli.report.run_record import RunRecord
from bvae_cli.report.score_groups import ScoreInfo
from bvae_cli.report.settings import SettingScore, differences, group_by_setting, setting_scores
from bvae_cli.report.summary import summarize_comparison

ModifiedRun = Callable[..., Path]


@pytest.fixture
def three_runs(changed: ModifiedRun, checkpoint: Path) -> list[Path]:
    """Two runs that differ in the seed, and a third with another β, each with scores."""
    params = load_checkpoint(checkpoint).params
    settings = [(0, params.objective, 0.2), (1, params.objective, 0.4), (0, BetaVAE(((0, 30.0), (100, 4.0))), 0.35)]
    runs = []
    for number, (seed, objective, mig) in enumerate(settings):
        train = replace(params.train, seed=seed)
        runs.append(changed(f"run{number}", params=replace(params, train=train, objective=objective)))
        (runs[-1] / "metrics.json").write_text(json.dumps({"mig": mig, "kl": 2.0}))
        shutil.copy(checkpoint.parent / "history.csv", runs[-1])
    return runs


def test_runs_that_differ_only_in_the_seed_form_one_setting(three_runs: list[Path]) -> None:
    records = [RunRecord.open(path) for path in three_runs]
    settings = group_by_setting(records)
    assert [[record.name for record in setting.records] for setting in settings] == [["run0", "run1"], ["run2"]]
    assert [setting.title for setting in settings] == ["run0 and 1 more", "run2"]
    assert differences(settings) == {"objective.beta": ["0.1", "0:30,100:4"]}


def test_setting_score_is_mean_and_std_over_its_runs(three_runs: list[Path]) -> None:
    settings = group_by_setting(RunRecord.open(path) for path in three_runs)
    scores = {"run0": {"mig": 0.2}, "run1": {"mig": 0.4}, "run2": {"mig": 0.35, "irs": 0.5}}
    several_seeds, single_run = setting_scores(ScoreInfo("mig", "MIG", ""), settings, scores)
    assert several_seeds
    assert (several_seeds.mean, several_seeds.std) == pytest.approx((0.3, 0.1 * 2**0.5))
    assert (several_seeds.count, several_seeds.is_best) == (2, False)
    assert single_run == SettingScore(0.35, None, 1, is_best=True)
    assert setting_scores(ScoreInfo("irs", "IRS", ""), settings, scores) == [None, SettingScore(0.5, None, 1)]
    assert setting_scores(
        ScoreInfo("gaussian_wasserstein_correlation_norm", "", ""),
        settings,
        {name: {"gaussian_wasserstein_correlation_norm": float("nan")} for name in scores},
    )


def test_comparison_starts_with_differences(bvae: Bvae, three_runs: list[Path], data: Path) -> None:
    done = bvae("report", *three_runs, "--data", data)
    assert done.code == 0, done.err
    assert done.out == "report.html\n"
    page = Page(Path("report.html").read_text())
    assert "2 settings, 3 runs in total. They differ in objective.beta." in page.text
    differences_text, scores = page.text.split("Differences")[2].split("Results of bvae evaluate.")
    assert "0:30, 100:4" in differences_text.replace(",", ", ")
    assert "train.seed" not in differences_text
    assert "0.300 ± 0.14" in scores
    assert '<td class="number best">0.350' in page.source
    assert len(page.source.encode()) < 3 * 5e6
    assert bvae("report", *three_runs, "--data", data, "--out", "again.html").code == 0
    assert Path("again.html").read_bytes() == Path("report.html").read_bytes()


def test_udr_equals_that_of_evaluate(bvae: Bvae, changed: ModifiedRun, checkpoint: Path, data: Path) -> None:
    model = load_checkpoint(checkpoint)
    for name in ("one", "other"):  # the same model twice: each latent matches itself, but latents are correlated
        changed(name, params=replace(model.params, train=replace(model.params.train, seed=len(name))))
    against = ["--compare-with", "other/checkpoint.pt", "--metric", "mig", "--data", data, "--cpu"]
    assert bvae("evaluate", "one/checkpoint.pt", *against).code == 0
    expected = json.loads(Path("one/metrics.json").read_text())["udr"]
    assert 0 < expected < 1
    assert bvae("report", "one", "other", "--data", data).code == 0
    assert f"{expected:#.3g} ± 0" in Page(Path("report.html").read_text()).text.split("UDR")[1][:200]


def test_reason_for_missing_udr_is_reported_if_data_is_missing(bvae: Bvae, three_runs: list[Path]) -> None:
    assert bvae("report", *three_runs).code == 0
    page = Page(Path("report.html").read_text())
    assert "was not computed: data file not found: data/dsprites.h5" in page.text


def test_runs_of_equal_name_are_named_by_path(bvae: Bvae, checkpoint: Path) -> None:
    for folder in ("a/run", "b/run"):
        Path(folder).mkdir(parents=True)
        shutil.copy(checkpoint, folder)
    assert bvae("report", "a/run", "b/run").code == 0
    text = Page(Path("report.html").read_text()).text
    assert "a/run" in text
    assert "2 runs of one setting, which differ only in the seed." in text
    result = bvae("report", "a/run", "a/run/checkpoint.pt")
    assert result.code == 1
    assert "run given twice: a/run" in result.err


def test_comparison_includes_imported_models_and_models_of_other_data(
    bvae: Bvae, changed: ModifiedRun, checkpoint: Path
) -> None:
    spec = replace(load_checkpoint(checkpoint).spec, name="mine", factors={}, num_samples=7)
    runs = [changed("own"), changed("mine", spec=spec), changed("far", imported_from="last of Elsewhere", latents=[])]
    assert bvae("report", *runs).code == 0
    text = Page(Path("report.html").read_text()).text
    assert "mine: 7 greyscale images of 64 × 64 pixels" in text
    assert "last of Elsewhere" in text


@pytest.mark.parametrize(
    ("settings", "runs", "names", "expected"),
    [
        (1, 5, [], "5 runs of one setting, which differ only in the seed."),
        (2, 2, ["a"], "2 settings. They differ in a."),
        (2, 3, list("abcd"), "2 settings, 3 runs in total. They differ in a, b, c and d."),
        (2, 2, list("abcdef"), "2 settings. They differ in a, b, c and 3 more."),
    ],
)
def test_comparison_is_summarized_in_a_sentence(settings: int, runs: int, names: list[str], expected: str) -> None:
    assert summarize_comparison(settings, runs, names) == expected


def test_latent_of_largest_mean_is_traversed_from_zero_if_means_are_known(
    bvae: Bvae, changed: Callable[..., Path], checkpoint: Path
) -> None:
    latents = load_checkpoint(checkpoint).latents
    shifted = [replace(latent, posterior_mean_avg=(0.1, -2.5, 0.4)[latent.index % 3]) for latent in latents]
    one, other = (
        changed("one", latents=shifted),
        changed("other", latents=[replace(latent, posterior_mean_avg=math.nan) for latent in latents]),
    )
    assert bvae("report", one, other).code == 0
    page = Page(Path("report.html").read_text(encoding="utf-8"))
    assert page.source.count("the latent with the largest absolute mean over the data") == 1
    assert "Traversal of z1 from the zero code" in page.source
    assert "the largest absolute mean over the data (−2.5)." in page.source
