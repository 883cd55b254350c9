"""Study files: settings, seeds, overrides and errors."""

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


def make_study(content: object, *options: str, seeds: int | None = None) -> Study:
    Path("mine.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return read_study(Path("mine.yaml"), options, seeds)


def test_grid_is_expanded_to_all_combinations_with_all_seeds() -> None:
    study = make_study({"seeds": 2, "grid": {"objective.beta": [1, "0:30,10:4"], "model.latent_dim": [5, 6]}})
    assert list(study.settings) == [
        "beta=1,latent_dim=5", "beta=1,latent_dim=6", "beta=0_30_10_4,latent_dim=5", "beta=0_30_10_4,latent_dim=6",
    ]  # fmt: skip
    assert [trial.params.train.seed for trial in study.trials] == [0, 1] * 4
    last = study.trials[-1]
    assert last.params.objective == BetaVAE(((0, 30.0), (10, 4.0)))
    assert last.params.model.latent_dim == 6
    assert last.folder == Path("runs/mine/beta=0_30_10_4,latent_dim=6/1")
    assert last.choices == {"beta": "0:30,10:4", "latent_dim": "6"}


def test_several_grids_are_concatenated_and_may_change_the_objective() -> None:
    Path("base.yaml").write_text("objective: {name: beta_vae, beta: 7}\ntrain: {steps: 30}\n")
    grid = [{"train.learning_rate": 0.001}, {"objective.name": "factor_vae", "objective.gamma": [10, 20]}]
    study = make_study({"base": "base.yaml", "grid": grid})
    assert list(study.settings) == [
        "learning_rate=0.001",
        "objective=factor_vae,gamma=10",
        "objective=factor_vae,gamma=20",
    ]
    assert [trial.params.objective for trial in study.trials] == [BetaVAE(7.0), FactorVAE(10.0), FactorVAE(20.0)]
    assert {trial.params.train.steps for trial in study.trials} == {30}


def test_options_override_the_base_and_seeds() -> None:
    content = {"base": {"train": {"steps": 30}}, "seeds": [4, 9]}
    assert [trial.params.train.seed for trial in make_study(content).trials] == [4, 9]
    overridden = make_study(content, "train.steps=20", "dataset.name=celeba", seeds=3)
    assert [trial.name for trial in overridden.trials] == ["base/0", "base/1", "base/2"]
    assert overridden.trials[0].params.train.steps == 20
    assert overridden.trials[0].params.dataset.name == "celeba"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"bse": {}}, "mine.yaml: bse is not a key of a study; did you mean mine.yaml: base?"),
        ({"base": "nowhere.yaml"}, "cannot read nowhere.yaml"),
        ({"base": 3}, "mine.yaml contains no sections"),
        ({"seeds": 0}, "mine.yaml: invalid seeds"),
        ({"seeds": [1, 1]}, "mine.yaml: invalid seeds"),
        ({"seeds": True}, "mine.yaml: invalid seeds"),
        ({"seeds": [0, -1]}, "mine.yaml: invalid seeds"),
        ({"seeds": [2**63]}, "mine.yaml: invalid seeds"),
        ({"seeds": 10**30}, "mine.yaml: invalid seeds"),
        ({"grid": 3}, "mine.yaml: invalid grid"),
        ({"grid": []}, "mine.yaml: invalid grid"),
        ({"grid": {"objective.beta": []}}, "grid.objective.beta must be a value or a list of values"),
        ({"grid": {"objective.beta": [[0, 1]]}}, "grid.objective.beta must be a value or a list of values"),
        ({"grid": {"beta": 3}}, "invalid key beta: it has no section"),
        ({"grid": {"train.seed": [3, 4]}}, "train.seed is unsupported in a grid and in --set"),
        ({"grid": {"objective.bta": 3}}, "objective.bta is not a parameter; did you mean objective.beta?"),
        ({"grid": {"objective.beta": "much"}}, "objective.beta must be a number"),
        ({"grid": {"objective.beta": [1, 1]}}, "two settings have the name beta=1"),
        (["beta"], "mine.yaml contains no sections"),
        (
            {
                "grid": {
                    f"train.{key}": list(range(1, 101)) for key in ("steps", "batch_size", "log_every", "seed", "init")
                }
            },
            "mine.yaml: its grid has 10,000,000,000 settings; the maximum is 10,000",
        ),
        (
            {"grid": {"train.steps": list(range(1, 1001))}, "seeds": 1000},
            "mine.yaml: 1,000 settings with 1,000 seeds are more than 100,000 models",
        ),
        ({"grid": "x" * 5000}, f"mine.yaml: invalid grid: '{'x' * 78}…"),
    ],
)
def test_invalid_study_is_refused_with_its_key(content: object, expected: str) -> None:
    with pytest.raises(BvaeError) as caught:
        make_study(content)
    assert expected in caught.value.message


def test_the_name_of_a_setting_with_long_schedules_is_shortened() -> None:
    schedule = ",".join(f"{step}:{step / 7:.3f}" for step in range(0, 15_000, 1000))
    grid = {"objective.beta": [schedule, f"{schedule},99000:1"], "train.learning_rate": schedule}
    study = make_study({"grid": grid})
    names = [trial.folder.parent.name for trial in study.trials]
    assert len(set(names)) == 2
    for name, trial in zip(names, study.trials, strict=True):
        assert name == trial.setting
        assert name.startswith("beta=0_0.000_1000_142.857_")
        assert len(name.encode()) <= 200
        trial.folder.mkdir(parents=True)


def test_override_may_be_a_list() -> None:
    assert make_study({}, "evaluate.metrics=[mig, sap]").trials[0].params.evaluate.metrics == ("mig", "sap")
    assert make_study({}, "evaluate.metrics=[]").trials[0].params.evaluate.metrics == ()


def test_unknown_metric_is_refused_before_training() -> None:
    with pytest.raises(BvaeError, match="metric cannot be 'mg'; did you mean mig"):
        make_study({"base": {"evaluate": {"metrics": ["mg"]}}})


def test_override_without_a_value_is_refused() -> None:
    with pytest.raises(BvaeError, match="invalid option --set beta"):
        make_study({}, "beta")


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("objective.beta=7", "--set objective.beta has no effect: it is set by the grid of mine.yaml"),
        ("train.seed=7", "train.seed is unsupported in a grid and in --set"),
    ],
)
def test_override_without_effect_is_refused(option: str, expected: str) -> None:
    with pytest.raises(BvaeError) as caught:
        make_study({"grid": {"objective.beta": [1, 4]}}, option)
    assert expected in caught.value.message


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_studies_of_the_repository_are_valid(path: Path) -> None:
    assert path.read_text().startswith("# ")
    assert read_study(path).trials


def test_locatello_study_has_36_settings_of_5_or_50_seeds() -> None:
    path = ROOT / "pipelines" / "studies" / "locatello2019.yaml"
    assert len(read_study(path).settings) == 36
    assert len(read_study(path).trials) == 180
    assert len(read_study(path, seeds=50).trials) == 1800
    objectives = {str(trial.params.objective) for trial in read_study(path).trials}
    for name in ("beta_vae", "beta_tcvae", "annealed_vae", "dip_vae_i", "dip_vae_ii", "factor_vae"):
        preset = config.load_params(ROOT / "pipelines" / f"locatello2019_{name}.yaml", {})
        assert str(preset.objective) in objectives


def test_beta_study_equals_its_presets() -> None:
    trials = read_study(ROOT / "pipelines" / "studies" / "beta.yaml", ["dataset.name=celeba"]).trials
    presets = [config.load_params(path, {}) for path in (ROOT / "pipelines").glob("celeba_beta_*.yaml")]
    assert len(trials) == len(presets) == 8
    for params in presets:
        (trial,) = (trial for trial in trials if trial.params.objective == params.objective)
        assert trial.params.model == params.model
        assert trial.params.train.steps == params.train.steps
        assert trial.params.train.learning_rate == params.train.learning_rate
        assert trial.params.traverse == params.traverse
