"""Defaults, params.yaml and options."""

import os
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
    """Return the params of a YAML text and options."""
    path = Path("experiment.yaml")
    path.write_text(text)
    return config.load_params(path, options or {})


def load_error(text: str, options: dict[str, dict[str, Any]] | None = None) -> BvaeError:
    """Return the error that loading raises."""
    with pytest.raises(BvaeError) as caught:
        load(text, options)
    return caught.value


def doubling_aliases(count: int) -> str:
    """Return a YAML text whose aliases unfold to 2^count values."""
    lists = [f"&a{number} [*a{number - 1}, *a{number - 1}]" for number in range(1, count)]
    return f"train: {{steps: [&a0 [1, 1], {', '.join(lists)}]}}"


def test_without_a_file_all_values_are_defaults() -> None:
    assert config.load_params(None, {}) == params.Params()


def test_a_params_yaml_in_the_current_folder_is_read() -> None:
    Path("params.yaml").write_text("train: {steps: 7}")
    assert config.load_params(None, {}).train.steps == 7


@pytest.mark.parametrize(
    ("text", "steps", "beta"),
    [
        ("010", 10, 10.0),
        ("+7", 7, 7.0),
        ("1e3", 1000, 1000.0),
        ("1E+3", 1000, 1000.0),
        ("1_000", 1000, 1000.0),
        (".5e1", 5, 5.0),
    ],
)
def test_numbers_are_read_as_on_the_command_line(text: str, steps: int, beta: float) -> None:
    loaded = load(f"train: {{steps: {text}}}\nobjective: {{beta: {text}}}")
    assert (loaded.train.steps, loaded.objective) == (steps, BetaVAE(beta))


@pytest.mark.parametrize(
    ("text", "schedule"), [("100:4", ((100, 4.0),)), ("2:30", ((2, 30.0),)), ("0:60,60:30.5", None)]
)
def test_a_schedule_is_no_number_in_base_sixty(text: str, schedule: Any) -> None:
    assert load(f"objective:\n  beta: {text}").objective == BetaVAE(schedule or ((0, 60.0), (60, 30.5)))


@pytest.mark.parametrize("word", ["yes", "no", "on", "off"])
def test_only_true_and_false_are_booleans(word: str) -> None:
    assert load_error(f"train: {{stream: {word}}}").message == f"train.stream must be true or false, not '{word}'"


def test_aliases_and_merged_keys_are_read() -> None:
    assert load("train: {seed: &seed 5}\nevaluate: {seed: *seed}").evaluate.seed == 5
    merged = load("train: {<<: {steps: 7, seed: 3}, seed: 4}").train
    assert (merged.steps, merged.seed) == (7, 4)


def test_a_pipe_or_a_device_is_not_read() -> None:
    os.mkfifo("pipe")
    for path in (Path("pipe"), Path("/dev/zero")):
        with pytest.raises(BvaeError, match=f"cannot read {path}: it is a pipe or a device"):
            config.load_params(path, {})


def test_a_huge_file_is_not_read() -> None:
    with Path("huge.yaml").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(
        BvaeError, match=r"huge\.yaml: it has 1,000,000,000,000 bytes, more than the maximum, 1,000,000"
    ):
        config.load_params(Path("huge.yaml"), {})


def test_options_override_the_file_which_overrides_the_defaults() -> None:
    text = "train: {steps: 7, seed: 3}"
    assert load("").train.steps == params.TrainParams.steps
    assert load(text).train.steps == 7
    assert load(text, {"train": {"steps": 9}}).train == params.TrainParams(steps=9, seed=3)


def test_an_objective_is_built_from_its_name_and_hyperparameters() -> None:
    assert load("objective: {name: beta_vae, beta: 8, free_bits: 1}").objective == BetaVAE(8.0, 1.0)
    assert load("objective: {name: vae}").objective == VAEObjective()


def test_choosing_another_objective_discards_the_hyperparameters_of_the_first() -> None:
    options = {"objective": {"name": "annealed_vae", "gamma": 100.0}}
    assert load("objective: {name: beta_vae, beta: 8}", options).objective == AnnealedVAE(gamma=100.0)


def test_choosing_the_same_objective_keeps_its_hyperparameters() -> None:
    for text in ("objective: {name: beta_vae, beta: 8}", "objective: {beta: 8}"):
        assert load(text, {"objective": {"name": "beta_vae"}}).objective == BetaVAE(8.0)


def test_an_option_overrides_a_hyperparameter_of_the_file() -> None:
    assert load("objective: {name: beta_vae, beta: 8}", {"objective": {"beta": 2.0}}).objective == BetaVAE(2.0)


def test_numbers_are_converted_to_the_type_of_their_key() -> None:
    train = load("train: {learning_rate: 1e-4, steps: 1e5, batch_size: '32'}").train
    assert (train.learning_rate, train.steps, train.batch_size) == (0.0001, 100_000, 32)
    assert all(type(value) is int for value in (train.steps, train.batch_size))


@pytest.mark.parametrize("schedule", ["[[0, 30], [3000, 4]]", "'0:30,3000:4'", "[['0', 30], [3e3, '4']]"])
def test_a_hyperparameter_may_be_a_schedule(schedule: str) -> None:
    text = f"objective: {{beta: {schedule}}}\ntrain: {{learning_rate: {schedule}}}"
    params = load(text)
    assert params.objective == BetaVAE(((0, 30.0), (3000, 4.0)))
    assert params.train.learning_rate == ((0, 30.0), (3000, 4.0))
    assert config.build_params(config.to_dict(params)) == params


def test_params_survive_conversion_to_plain_settings() -> None:
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
            f"objective.name cannot be 'beta_va'; did you mean beta_vae? Allowed values: {', '.join(OBJECTIVES)}.",
        ),
        (
            "objective: {name: [7]}",
            f"objective.name cannot be [7]. Allowed values: {', '.join(OBJECTIVES)}.",
        ),
        ("objective: {gamma: 4}", "objective.gamma is not a hyperparameter of the objective 'beta_vae'"),
        ("train: {steps: 1.5}", "train.steps must be an integer, not 1.5"),
        ("train: {steps: 0}", "train.steps must be at least 1, not 0"),
        ("train: {steps: .inf}", "train.steps must be an integer, not inf"),
        (
            "train: {learning_rate: .nan}",
            "train.learning_rate must be a number or a schedule like 0:30,3000:4, not nan",
        ),
        ("train: {precision: float16}", "train.precision cannot be 'float16'; did you mean bfloat16? "),
        ("model: {net: burges}", "model.net cannot be 'burges'; did you mean burgess? "),
        ("dataset: {name: ../mine}", "dataset.name cannot be '../mine': use up to 64 letters"),
        ("dataset: {name: celeba, source: imag}", "dataset.source cannot be 'imag'; did you mean images? "),
        ("dataset: {channels: 2}", "dataset.channels must be 1 or 3, not 2"),
        ("dataset: {source: oficial}", "dataset.source cannot be 'oficial'; did you mean official? "),
        ("train: 3", "experiment.yaml: train must be a section with keys, not 3"),
        ("[1, 2]", "experiment.yaml contains no sections"),
        ("train: {steps: [}", "experiment.yaml is not valid YAML: "),
        ("3: {steps: 1}", "3 is not a section."),
        ("train: {seed: 2024-99-99}", "train.seed must be an integer, not '2024-99-99'"),
        ("train: {steps: 1, steps: 2}", "experiment.yaml is not valid YAML: the key steps occurs twice"),
        (doubling_aliases(30), "experiment.yaml is not valid YAML: it unfolds to more than 100,000 values"),
        ("train: {steps: " + "9" * 5000 + "}", "experiment.yaml is not valid YAML: Exceeds the limit"),
        ("objective: {beta: 1.0e39}", "objective.beta cannot be 1e+39: numbers must be between -3.4e38 and 3.4e38"),
        ("train: {learning_rate: '0:0.1,9:1e300'}", "train.learning_rate cannot be 1e+300: numbers must be between"),
        ("train: {steps: 100000000000000}", "train.steps must be at most 10000000000, not 100000000000000"),
        ("traverse: {images: 100000}", "traverse.images must be at most 100, not 100000"),
        (f"train: {{steps: [{'1, ' * 1000}]}}", "train.steps must be an integer, not [1, 1, 1, 1, 1,"),
        ("[" * 5000, "experiment.yaml is not valid YAML: "),
        (f"train: {{seed: {2**63}}}", "train.seed must be at most"),
    ],
)
def test_an_error_names_the_key_the_value_and_the_nearest_valid_name(text: str, message: str) -> None:
    assert load_error(text).message.startswith(message)


def test_the_hint_for_a_hyperparameter_of_another_objective_is_that_objective() -> None:
    assert (
        "--objective: annealed_vae, factor_vae"
        in load_error("objective: {name: beta_vae}", {"objective": {"gamma": 1.0}}).hint
    )


def test_a_missing_file_is_an_error() -> None:
    with pytest.raises(BvaeError, match=r"cannot read nowhere\.yaml"):
        config.load_params(Path("nowhere.yaml"), {})


def test_a_binary_file_is_an_error() -> None:
    Path("binary.yaml").write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(BvaeError, match=r"binary\.yaml"):
        config.load_params(Path("binary.yaml"), {})
