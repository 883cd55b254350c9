"""Renamed keys, values and options: an old name raises an error with the new name; old files are converted."""

from collections.abc import Mapping, Sequence
from typing import Any

from bvae_cli.system.errors import BvaeError

SECTIONS = {"keep": "logging"}
KEYS = {
    "dataset": {"crop": "center_crop"},
    "objective": {
        "discriminator_rate": "discriminator_lr",
        "sampling": "tc_estimator",
        "invariance": "invariance_weight",
        "grain": "instance_noise",
    },
    "train": {
        "short": "compress_schedule_to",
        "adam_steps": "adam_warmup_steps",
        "decomposition_steps": "kl_decomposition_every",
    },
    "logging": {
        "save_steps": "checkpoint_every",
        "save_minutes": "checkpoint_minutes",
        "best": "save_best",
        "picture_steps": "log_images_every",
    },
    "evaluate": {"all": "full_elbo"},
    "traverse": {
        "start": "base_code",
        "span": "max_std",
        "columns": "num_values",
        "all": "include_inactive",
        "farthest": "largest_mean_latent",
    },
}
VALUES = {
    "dataset.source": {"rendered": "procedural", "pictures": "images", "labelled": "attributes"},
    "model.net": {"conv_h": "higgins_conv", "higgins": "higgins_mlp"},
    "objective.name": {
        "beta": "beta_vae",
        "capacity": "annealed_vae",
        "factor": "factor_vae",
        "beta_tc": "beta_tcvae",
        "dip_i": "dip_vae_i",
        "dip_ii": "dip_vae_ii",
        "info": "info_vae",
    },
    "objective.tc_estimator": {"weighted": "mws", "stratified": "mss"},
    "train.init": {"torch": "pytorch_default", "kaiming": "kaiming_normal", "glorot": "xavier_uniform"},
    "metric": {
        "higgins": "beta_vae_score",
        "higgins_published": "beta_vae_score_published",
        "factor_vae": "factor_vae_score",
        "unsupervised": "unsupervised_metrics",
    },
}
COMMANDS = {"show": "summary"}
OPTIONS = {  # other options, by command; options of keys follow from COMMAND_SECTIONS
    "evaluate": {"--against": "--compare-with"},
    "explore": {"--export": "--no-open --out"},
    "reconstruct": {"--factors": "--where", "--picture": "--image"},
    "sweep": {"--list": "--dry-run", "--processes": "--workers", "--together": "--models-per-batch"},
    "traverse": {"--factors": "--where", "--picture": "--image"},
}
DEVICE_OPTIONS = {"--device"}  # of other programs
COMMAND_SECTIONS = {  # sections of params.yaml whose keys are options of a command
    "download": ("dataset",),
    "evaluate": ("evaluate",),
    "train": ("objective", "train", "logging"),
    "traverse": ("traverse",),
}
SPEC_FIELDS = {"listed": "num_samples", "form": "pixel_format", "crop": "center_crop"}
LATENT_FIELDS = {
    "variance": "posterior_variance",
    "low": "posterior_mean_min",
    "high": "posterior_mean_max",
    "factor": "top_factor",
    "information": "mutual_information",
    "share": "normalized_mi",
    "centre": "posterior_mean_avg",
}
TRAINING_KEYS = {"optimisation": "trainer", "least": "best_loss"}
TRAINER_KEYS = {"moments": "optimizer_state", "rivals": "auxiliary_nets", "random": "rng"}
HISTORY_COLUMNS = {
    "reconstruction": "reconstruction_loss",
    "kl_mutual_information": "index_code_mi",
    "kl_total_correlation": "total_correlation",
    "kl_dimension_wise": "dimension_wise_kl",
    **KEYS["objective"],
}


def require_new_key(key: str) -> None:
    """Raise BvaeError, with the new name, if a section or a `section.key` was renamed."""
    section, _, name = key.partition(".")
    new = KEYS.get(section, {}).get(name) if name else SECTIONS.get(section)
    if new:
        raise BvaeError(f"{key} was renamed to {new}", f"use {f'{section}.{new}' if name else new}.")


def require_new_value(key: str, value: Any) -> None:
    """Raise BvaeError, with the new name, if a value of a key was renamed."""
    if isinstance(value, str) and (new := VALUES.get(key, {}).get(value)):
        raise BvaeError(f"{key} '{value}' was renamed to '{new}'", f"use {new}.")


def require_new_arguments(arguments: Sequence[str]) -> None:
    """Raise BvaeError, with the new name, if a command, an option or its value was renamed."""
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    if command in COMMANDS:
        raise BvaeError(f"bvae {command} was renamed to bvae {COMMANDS[command]}", f"bvae {COMMANDS[command]}")
    options, value_keys = renamed_options(command), {option_flag(key): key for key in VALUES}
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        option, equals, value = argument.partition("=")
        if option in DEVICE_OPTIONS:
            raise BvaeError(f"{option} is not an option", "choose a GPU by its number, --gpu 0, or the CPU, --cpu.")
        if option in options:
            raise BvaeError(f"{option} was renamed to {options[option]}", f"bvae {command} {options[option]} …")
        if option in value_keys and command in {"download", "evaluate", "train"}:
            require_new_value(value_keys[option], value if equals else following)


def renamed_options(command: str) -> dict[str, str]:
    """Return the new option of a command for each old one."""
    keys = [pair for section in COMMAND_SECTIONS.get(command, ()) for pair in KEYS[section].items()]
    return {option_flag(old): option_flag(new) for old, new in keys} | OPTIONS.get(command, {})


def option_flag(key: str) -> str:
    """Return the option of a `section.key` or of a key."""
    section, _, name = key.rpartition(".")
    return "--" + (section if name == "name" else name).replace("_", "-")


def rename_keys(content: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a mapping with renamed keys, in the same order."""
    return {names.get(key, key): value for key, value in content.items()}


def upgrade_params(params: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return sections of params with renamed keys and values."""
    sections = {name: rename_keys(keys, KEYS.get(name, {})) for name, keys in rename_keys(params, SECTIONS).items()}
    return {
        section: {
            key: VALUES.get(f"{section}.{key}", {}).get(value, value) if isinstance(value, str) else value
            for key, value in keys.items()
        }
        for section, keys in sections.items()
    }


def upgrade_history(text: str) -> str:
    """Return the text of history.csv with renamed columns."""
    header, newline, rows = text.partition("\n")
    return ",".join(HISTORY_COLUMNS.get(name, name) for name in header.split(",")) + newline + rows


def upgrade_checkpoint(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a checkpoint of format 3 in format 4; raises any exception if it is malformed."""
    new = rename_keys(content, {"foreign": "imported_from"})
    new["params"] = upgrade_params(new["params"])
    new["data"] = rename_keys(new["data"], SPEC_FIELDS)
    new["latents"] = [rename_keys(latent, LATENT_FIELDS) for latent in new["latents"]]
    if new.get("training"):
        training = rename_keys(new["training"], TRAINING_KEYS)
        trainer, history = rename_keys(training["trainer"], TRAINER_KEYS), upgrade_history(training["history"])
        new["training"] = training | {"trainer": trainer, "history": history}
    return new
