"""What a study trains."""

from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from bvae_cli import config
from bvae_cli.objectives.beta_vae import BetaVAE
from bvae_cli.objectives.factor_vae import FactorVAE
from bvae_cli.sweep.study import Study, read_study
from bvae_cli.system.errors import BvaeError

STUDIES = sorted((ROOT / "pipelines" / "studies").glob("*.yaml"))


def study(content: object, *options: str, seeds: int | None = None) -> Study:
    Path("mine.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return read_study(Path("mine.yaml"), options, seeds)


def test_a_grid_is_each_combination_in_its_order_each_with_all_seeds() -> None:
    found = study({"seeds": 2, "grid": {"objective.beta": [1, "0:30,10:4"], "model.latent_dim": [5, 6]}})
    assert list(found.settings) == [
        "beta=1,latent_dim=5", "beta=1,latent_dim=6", "beta=0_30_10_4,latent_dim=5", "beta=0_30_10_4,latent_dim=6",
    ]  # fmt: skip
    assert [trial.params.train.seed for trial in found.trials] == [0, 1] * 4
    last = found.trials[-1]
    assert last.params.objective == BetaVAE(((0, 30.0), (10, 4.0)))
    assert last.params.model.latent_dim == 6
    assert last.folder == Path("runs/mine/beta=0_30_10_4,latent_dim=6/1")
    assert last.choices == {"beta": "0:30,10:4", "latent_dim": "6"}


def test_grids_follow_one_another_over_a_base_whose_objective_they_may_change() -> None:
    Path("base.yaml").write_text("objective: {name: beta_vae, beta: 7}\ntrain: {steps: 30}\n")
    grid = [{"train.learning_rate": 0.001}, {"objective.name": "factor_vae", "objective.gamma": [10, 20]}]
    found = study({"base": "base.yaml", "grid": grid})
    assert list(found.settings) == [
        "learning_rate=0.001",
        "objective=factor_vae,gamma=10",
        "objective=factor_vae,gamma=20",
    ]
    assert [trial.params.objective for trial in found.trials] == [BetaVAE(7.0), FactorVAE(10.0), FactorVAE(20.0)]
    assert {trial.params.train.steps for trial in found.trials} == {30}


def test_options_are_laid_over_the_base_and_seeds_over_the_study_s() -> None:
    content = {"base": {"train": {"steps": 30}}, "seeds": [4, 9]}
    assert [trial.params.train.seed for trial in study(content).trials] == [4, 9]
    changed = study(content, "train.steps=20", "dataset.name=celeba", seeds=3)
    assert [trial.name for trial in changed.trials] == ["base/0", "base/1", "base/2"]
    assert changed.trials[0].params.train.steps == 20
    assert changed.trials[0].params.dataset.name == "celeba"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"bse": {}}, "mine.yaml: bse is not a key of a study; did you mean mine.yaml: base?"),
        ({"base": "nowhere.yaml"}, "cannot read nowhere.yaml"),
        ({"base": 3}, "mine.yaml holds no sections"),
        ({"seeds": 0}, "seeds must be how many"),
        ({"seeds": [1, 1]}, "seeds must be how many"),
        ({"seeds": True}, "seeds must be how many"),
        ({"seeds": [0, -1]}, "seeds must be how many"),
        ({"seeds": [2**63]}, "seeds must be how many"),
        ({"seeds": 10**30}, "seeds must be how many"),
        ({"grid": 3}, "grid must hold keys"),
        ({"grid": []}, "grid must hold keys"),
        ({"grid": {"objective.beta": []}}, "grid.objective.beta must be a value or a list of values"),
        ({"grid": {"objective.beta": [[0, 1]]}}, "grid.objective.beta must be a value or a list of values"),
        ({"grid": {"beta": 3}}, "beta is no key of a section"),
        ({"grid": {"train.seed": [3, 4]}}, "train.seed is for no setting to choose"),
        ({"grid": {"objective.bta": 3}}, "objective.bta is not a parameter; did you mean objective.beta?"),
        ({"grid": {"objective.beta": "much"}}, "objective.beta must be a number"),
        ({"grid": {"objective.beta": [1, 1]}}, "two settings are called beta=1"),
        (["beta"], "mine.yaml holds no sections"),
    ],
)
def test_what_is_not_sound_is_refused_with_its_place(content: object, said: str) -> None:
    with pytest.raises(BvaeError) as caught:
        study(content)
    assert said in caught.value.message


def test_an_option_may_be_a_list() -> None:
    assert study({}, "evaluate.metrics=[mig, sap]").trials[0].params.evaluate.metrics == ("mig", "sap")
    assert study({}, "evaluate.metrics=[]").trials[0].params.evaluate.metrics == ()


def test_a_metric_that_there_is_not_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(BvaeError, match="metric cannot be 'mg'; did you mean mig"):
        study({"base": {"evaluate": {"metrics": ["mg"]}}})


def test_an_option_without_a_value_is_refused() -> None:
    with pytest.raises(BvaeError, match=r"--set beta is no section\.key=value"):
        study({}, "beta")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("objective.beta=7", "--set objective.beta would have no effect: the grid of mine.yaml chooses it"),
        ("train.seed=7", "train.seed is for no setting to choose"),
    ],
)
def test_an_option_that_would_be_hidden_is_refused(option: str, said: str) -> None:
    with pytest.raises(BvaeError) as caught:
        study({"grid": {"objective.beta": [1, 4]}}, option)
    assert said in caught.value.message


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_the_studies_of_the_project_are_sound(path: Path) -> None:
    assert path.read_text().startswith("# ")
    assert read_study(path).trials


def test_locatellos_study_is_36_settings_of_5_seeds_or_50() -> None:
    path = ROOT / "pipelines" / "studies" / "locatello2019.yaml"
    assert len(read_study(path).settings) == 36
    assert len(read_study(path).trials) == 180
    assert len(read_study(path, seeds=50).trials) == 1800
    third = {str(trial.params.objective) for trial in read_study(path).trials}
    for name in ("beta_vae", "beta_tcvae", "annealed_vae", "dip_vae_i", "dip_vae_ii", "factor_vae"):
        preset = config.load_params(ROOT / "pipelines" / f"locatello2019_{name}.yaml", {})
        assert str(preset.objective) in third


def test_the_study_of_beta_is_that_of_its_presets() -> None:
    trials = read_study(ROOT / "pipelines" / "studies" / "beta.yaml", ["dataset.name=celeba"]).trials
    presets = [config.load_params(path, {}) for path in (ROOT / "pipelines").glob("celeba_beta_*.yaml")]
    assert len(trials) == len(presets) == 8
    for params in presets:
        (trial,) = (trial for trial in trials if trial.params.objective == params.objective)
        assert trial.params.model == params.model
        assert trial.params.train.steps == params.train.steps
        assert trial.params.train.learning_rate == params.train.learning_rate
        assert trial.params.traverse == params.traverse
