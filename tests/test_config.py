"""Where defaults, params.yaml and options meet."""

from pathlib import Path
from typing import Any

import pytest

from bvae_cli import config, params
from bvae_cli.objectives import OBJECTIVES
from bvae_cli.objectives.annealed_vae import AnnealedVAE
from bvae_cli.objectives.beta_vae import BetaVAE
from bvae_cli.objectives.vae import VAEObjective
from bvae_cli.system.errors import BvaeError


def load(text: str, options: dict[str, dict[str, Any]] | None = None) -> params.Params:
    path = Path("experiment.yaml")
    path.write_text(text)
    return config.load_params(path, options or {})


def refusal(text: str, options: dict[str, dict[str, Any]] | None = None) -> BvaeError:
    with pytest.raises(BvaeError) as caught:
        load(text, options)
    return caught.value


def test_without_a_file_all_is_default() -> None:
    assert config.load_params(None, {}) == params.Params()


def test_a_params_yaml_beside_is_read() -> None:
    Path("params.yaml").write_text("train: {steps: 7}")
    assert config.load_params(None, {}).train.steps == 7


def test_a_default_gives_way_to_the_file_and_the_file_to_an_option() -> None:
    text = "train: {steps: 7, seed: 3}"
    assert load("").train.steps == params.TrainParams.steps
    assert load(text).train.steps == 7
    assert load(text, {"train": {"steps": 9}}).train == params.TrainParams(steps=9, seed=3)


def test_an_objective_is_made_from_its_name_and_knobs() -> None:
    assert load("objective: {name: beta_vae, beta: 8, free_bits: 1}").objective == BetaVAE(8.0, 1.0)
    assert load("objective: {name: vae}").objective == VAEObjective()


def test_the_knobs_of_one_objective_do_not_outlive_the_choice_of_another() -> None:
    options = {"objective": {"name": "annealed_vae", "gamma": 100.0}}
    assert load("objective: {name: beta_vae, beta: 8}", options).objective == AnnealedVAE(gamma=100.0)


def test_choosing_the_objective_that_is_there_keeps_its_knobs() -> None:
    for text in ("objective: {name: beta_vae, beta: 8}", "objective: {beta: 8}"):
        assert load(text, {"objective": {"name": "beta_vae"}}).objective == BetaVAE(8.0)


def test_a_knob_is_laid_over_the_file_s_objective() -> None:
    assert load("objective: {name: beta_vae, beta: 8}", {"objective": {"beta": 2.0}}).objective == BetaVAE(2.0)


def test_numbers_are_read_as_what_they_are_meant_for() -> None:
    train = load("train: {learning_rate: 1e-4, steps: 1e5, batch_size: '32'}").train
    assert (train.learning_rate, train.steps, train.batch_size) == (0.0001, 100_000, 32)
    assert all(type(value) is int for value in (train.steps, train.batch_size))


@pytest.mark.parametrize("path", ["[[0, 30], [3000, 4]]", "'0:30,3000:4'", "[['0', 30], [3e3, '4']]"])
def test_a_knob_may_be_a_path_over_steps(path: str) -> None:
    text = f"objective: {{beta: {path}}}\ntrain: {{learning_rate: {path}}}"
    params = load(text)
    assert params.objective == BetaVAE(((0, 30.0), (3000, 4.0)))
    assert params.train.learning_rate == ((0, 30.0), (3000, 4.0))
    assert config.build_params(config.to_dict(params)) == params


def test_plain_settings_and_params_are_the_same_thing() -> None:
    params = load("objective: {name: annealed_vae, gamma: 1e2}\nmodel: {net: higgins_mlp}")
    assert config.build_params(config.to_dict(params)) == params


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("objective: {bta: 4}", "objective.bta is not a parameter; did you mean objective.beta?"),
        ("train: {learning_rat: 1}", "train.learning_rat is not a parameter; did you mean train.learning_rate?"),
        ("trian: {steps: 1}", "trian is not a section; did you mean train?"),
        ("objective: {beta: -1}", "objective.beta must be at least 0, not -1"),
        ("objective: {beta: four}", "objective.beta must be a number or a schedule like 0:30,3000:4, not 'four'"),
        ("objective: {beta: []}", "objective.beta must be a number or a schedule like 0:30,3000:4, not an empty list"),
        ("objective: {beta: [[0, 1], 2]}", "objective.beta has an invalid point 2, not step:value: 2"),
        ("objective: {beta: [[0, 1], [9, x]]}", "objective.beta has an invalid point 2, not step:value: 9:x"),
        ("objective: {beta: [[0, 1], [9, .inf]]}", "objective.beta has an invalid point 2, not step:value: 9:inf"),
        ("objective: {beta: [[-1, 1]]}", "objective.beta has an invalid point 1, its step is not an integer ≥ 0: -1:1"),
        ("objective: {beta: [[0.5, 1]]}", "objective.beta has an invalid point 1, its step is not an integer ≥ 0"),
        ("objective: {beta: [[0, 1], [9, 2], [9, 3]]}", "objective.beta has an invalid point 3: step 9 is not after"),
        ("objective: {beta: [[0, 1], [9, -2]]}", "objective.beta must be at least 0, not -2 at step 9"),
        ("objective: {beta: true}", "objective.beta must be a number or a schedule like 0:30,3000:4, not True"),
        ("objective: {beta: null}", "objective.beta must be a number or a schedule like 0:30,3000:4, not None"),
        (
            "objective: {name: beta_va}",
            f"objective.name cannot be 'beta_va'; did you mean beta_vae? There are: {', '.join(OBJECTIVES)}.",
        ),
        (
            "objective: {name: [7]}",
            f"objective.name cannot be [7]. There are: {', '.join(OBJECTIVES)}.",
        ),
        ("objective: {gamma: 4}", "objective.gamma is not a parameter of the objective 'beta_vae'"),
        ("train: {steps: 1.5}", "train.steps must be a whole number, not 1.5"),
        ("train: {steps: 0}", "train.steps must be at least 1, not 0"),
        ("train: {steps: .inf}", "train.steps must be a whole number, not inf"),
        (
            "train: {learning_rate: .nan}",
            "train.learning_rate must be a number or a schedule like 0:30,3000:4, not nan",
        ),
        ("train: {precision: float16}", "train.precision cannot be 'float16'; did you mean bfloat16? "),
        ("model: {net: burges}", "model.net cannot be 'burges'; did you mean burgess? "),
        ("dataset: {name: ../mine}", "dataset.name cannot be '../mine': take letters"),
        ("dataset: {name: celeba, source: imag}", "dataset.source cannot be 'imag'; did you mean images? "),
        ("dataset: {channels: 2}", "dataset.channels must be 1 or 3, not 2"),
        ("dataset: {source: oficial}", "dataset.source cannot be 'oficial'; did you mean official? "),
        ("train: 3", "experiment.yaml: train must be a section with keys of its own, not 3"),
        ("[1, 2]", "experiment.yaml holds no sections"),
        ("train: {steps: [}", "experiment.yaml is not YAML: "),
        ("3: {steps: 1}", "3 is not a section."),
        ("train: {seed: 2024-99-99}", "experiment.yaml is not YAML: "),
        ("[" * 5000, "experiment.yaml is not YAML: "),
        (f"train: {{seed: {2**63}}}", "train.seed must be at most"),
    ],
)
def test_what_is_wrong_is_said_with_the_nearest_right_name(text: str, message: str) -> None:
    assert refusal(text).message.startswith(message)


def test_a_knob_of_another_objective_is_answered_with_that_objective() -> None:
    assert "--objective annealed_vae" in refusal("objective: {name: beta_vae}", {"objective": {"gamma": 1.0}}).hint


def test_a_missing_file_is_named() -> None:
    with pytest.raises(BvaeError, match=r"cannot read nowhere\.yaml"):
        config.load_params(Path("nowhere.yaml"), {})


def test_a_file_that_is_no_text_is_refused() -> None:
    Path("picture.yaml").write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(BvaeError, match=r"picture\.yaml"):
        config.load_params(Path("picture.yaml"), {})
