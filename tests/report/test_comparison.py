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

Changed = Callable[..., Path]


@pytest.fixture
def three(changed: Changed, checkpoint: Path) -> list[Path]:
    """Two runs that differ in their seed, and a third of another β, each with scores."""
    params = load_checkpoint(checkpoint).params
    wishes = [(0, params.objective, 0.2), (1, params.objective, 0.4), (0, BetaVAE(((0, 30.0), (100, 4.0))), 0.35)]
    runs = []
    for number, (seed, objective, mig) in enumerate(wishes):
        train = replace(params.train, seed=seed)
        runs.append(changed(f"run{number}", params=replace(params, train=train, objective=objective)))
        (runs[-1] / "metrics.json").write_text(json.dumps({"mig": mig, "kl": 2.0}))
        shutil.copy(checkpoint.parent / "history.csv", runs[-1])
    return runs


def test_runs_that_differ_in_their_seed_alone_are_one_setting(three: list[Path]) -> None:
    records = [RunRecord.open(path) for path in three]
    settings = group_by_setting(records)
    assert [[record.name for record in setting.records] for setting in settings] == [["run0", "run1"], ["run2"]]
    assert [setting.title for setting in settings] == ["run0 and 1 more", "run2"]
    assert differences(settings) == {"objective.beta": ["0.1", "0:30,100:4"]}


def test_a_setting_has_the_mean_of_its_runs_and_their_deviation(three: list[Path]) -> None:
    settings = group_by_setting(RunRecord.open(path) for path in three)
    scores = {"run0": {"mig": 0.2}, "run1": {"mig": 0.4}, "run2": {"mig": 0.35, "irs": 0.5}}
    seeds, alone = setting_scores(ScoreInfo("mig", "MIG", ""), settings, scores)
    assert seeds
    assert (seeds.mean, seeds.std) == pytest.approx((0.3, 0.1 * 2**0.5))
    assert (seeds.count, seeds.is_best) == (2, False)
    assert alone == SettingScore(0.35, None, 1, is_best=True)
    assert setting_scores(ScoreInfo("irs", "IRS", ""), settings, scores) == [None, SettingScore(0.5, None, 1)]
    assert setting_scores(
        ScoreInfo("gaussian_wasserstein_correlation_norm", "", ""),
        settings,
        {name: {"gaussian_wasserstein_correlation_norm": float("nan")} for name in scores},
    )


def test_they_stand_side_by_side_with_what_differs_first(bvae: Bvae, three: list[Path], data: Path) -> None:
    done = bvae("report", *three, "--data", data)
    assert done.code == 0, done.err
    assert done.out == "report.html\n"
    page = Page(Path("report.html").read_text())
    assert "2 settings, 3 runs in all. They differ in objective.beta." in page.text
    differs, scores = page.text.split("What differs")[2].split("What bvae evaluate found.")
    assert "0:30, 100:4" in differs.replace(",", ", ")
    assert "train.seed" not in differs
    assert "0.300 ± 0.14" in scores
    assert '<td class="number best">0.350' in page.source
    assert len(page.source.encode()) < 3 * 5e6
    assert bvae("report", *three, "--data", data, "--out", "again.html").code == 0
    assert Path("again.html").read_bytes() == Path("report.html").read_bytes()


def test_udr_is_that_of_evaluate(bvae: Bvae, changed: Changed, checkpoint: Path, data: Path) -> None:
    model = load_checkpoint(checkpoint)
    for name in ("one", "other"):  # one model twice: each latent has its like, but others are correlated with it
        changed(name, params=replace(model.params, train=replace(model.params.train, seed=len(name))))
    against = ["--compare-with", "other/checkpoint.pt", "--metric", "mig", "--data", data, "--cpu"]
    assert bvae("evaluate", "one/checkpoint.pt", *against).code == 0
    expected = json.loads(Path("one/metrics.json").read_text())["udr"]
    assert 0 < expected < 1
    assert bvae("report", "one", "other", "--data", data).code == 0
    assert f"{expected:#.3g} ± 0" in Page(Path("report.html").read_text()).text.split("UDR")[1][:200]


def test_without_the_data_it_says_why_there_is_no_udr(bvae: Bvae, three: list[Path]) -> None:
    assert bvae("report", *three).code == 0
    page = Page(Path("report.html").read_text())
    assert "is not here: there is no data file data/dsprites.h5" in page.text


def test_runs_of_one_name_are_called_by_their_paths(bvae: Bvae, checkpoint: Path) -> None:
    for folder in ("a/run", "b/run"):
        Path(folder).mkdir(parents=True)
        shutil.copy(checkpoint, folder)
    assert bvae("report", "a/run", "b/run").code == 0
    text = Page(Path("report.html").read_text()).text
    assert "a/run" in text
    assert "2 runs of one setting: they differ in nothing but their seed." in text
    refused = bvae("report", "a/run", "a/run/checkpoint.pt")
    assert refused.code == 1
    assert "a/run is named twice" in refused.err


def test_models_of_other_data_and_foreign_ones_stand_there_too(bvae: Bvae, changed: Changed, checkpoint: Path) -> None:
    spec = replace(load_checkpoint(checkpoint).spec, name="mine", factors={}, num_samples=7)
    runs = [changed("own"), changed("mine", spec=spec), changed("far", imported_from="last of Elsewhere", latents=[])]
    assert bvae("report", *runs).code == 0
    text = Page(Path("report.html").read_text()).text
    assert "mine: 7 pictures of 64 × 64 pixels in grey" in text
    assert "last of Elsewhere" in text


@pytest.mark.parametrize(
    ("settings", "runs", "names", "said"),
    [
        (1, 5, [], "5 runs of one setting: they differ in nothing but their seed."),
        (2, 2, ["a"], "2 settings. They differ in a."),
        (2, 3, list("abcd"), "2 settings, 3 runs in all. They differ in a, b, c and d."),
        (2, 2, list("abcdef"), "2 settings. They differ in a, b, c and 3 more."),
    ],
)
def test_what_differs_is_said_in_a_sentence(settings: int, runs: int, names: list[str], said: str) -> None:
    assert summarize_comparison(settings, runs, names) == said


def test_the_latent_that_lies_farthest_from_zero_is_drawn_from_there_where_it_is_known(
    bvae: Bvae, changed: Callable[..., Path], checkpoint: Path
) -> None:
    latents = load_checkpoint(checkpoint).latents
    moved = [replace(latent, posterior_mean_avg=(0.1, -2.5, 0.4)[latent.index % 3]) for latent in latents]
    one, other = (
        changed("one", latents=moved),
        changed("other", latents=[replace(latent, posterior_mean_avg=math.nan) for latent in latents]),
    )
    assert bvae("report", one, other).code == 0
    page = Page(Path("report.html").read_text(encoding="utf-8"))
    assert page.source.count("is the farthest from zero") == 1
    assert "z1, whose mean over the data, −2.5," in page.source
