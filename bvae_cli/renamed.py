"""Old names and those of today: an old one is refused with the new one; old checkpoints and data files are read."""

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
OPTIONS = {  # that are no keys, by command; those of keys follow from the sections that a command takes
    "evaluate": {"--against": "--compare-with"},
    "explore": {"--export": "--no-open --out"},
    "reconstruct": {"--factors": "--where", "--picture": "--image"},
    "sweep": {"--list": "--dry-run", "--processes": "--workers", "--together": "--models-per-batch"},
    "traverse": {"--factors": "--where", "--picture": "--image"},
}
SECTIONS_OF = {
    "download": ("dataset",),
    "evaluate": ("evaluate",),
    "train": ("objective", "train", "logging"),
    "traverse": ("traverse",),
}
SPEC = {"listed": "num_samples", "form": "pixel_format", "crop": "center_crop"}
LATENT = {
    "variance": "posterior_variance",
    "low": "posterior_mean_min",
    "high": "posterior_mean_max",
    "factor": "top_factor",
    "information": "mutual_information",
    "share": "normalized_mi",
    "centre": "posterior_mean_avg",
}
TRAINING = {"optimisation": "trainer", "least": "best_loss"}
TRAINER = {"moments": "optimizer_state", "rivals": "auxiliary_nets", "random": "rng"}
COLUMNS = {
    "reconstruction": "reconstruction_loss",
    "kl_mutual_information": "index_code_mi",
    "kl_total_correlation": "total_correlation",
    "kl_dimension_wise": "dimension_wise_kl",
    **KEYS["objective"],
}


def require_new_key(key: str) -> None:
    """Raise BvaeError, with the new name, where a section or a `section.key` has another name today."""
    section, _, name = key.partition(".")
    new = KEYS.get(section, {}).get(name) if name else SECTIONS.get(section)
    if new:
        raise BvaeError(f"{key} is called {new} now", f"write {f'{section}.{new}' if name else new}.")


def require_new_value(key: str, value: Any) -> None:
    """Raise BvaeError, with the new name, where a value of a key has another name today."""
    if isinstance(value, str) and (new := VALUES.get(key, {}).get(value)):
        raise BvaeError(f"{key} '{value}' is called '{new}' now", f"write {new}.")


def require_new_arguments(arguments: Sequence[str]) -> None:
    """Raise BvaeError, with the new name, where a command, an option, or its value has another name today."""
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    if command in COMMANDS:
        raise BvaeError(f"bvae {command} is called bvae {COMMANDS[command]} now", f"bvae {COMMANDS[command]}")
    options, valued = options_of(command), {option_of(key): key for key in VALUES}
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        option, equals, value = argument.partition("=")
        if option in options:
            raise BvaeError(f"{option} is called {options[option]} now", f"bvae {command} {options[option]} …")
        if option in valued and command in {"download", "evaluate", "train"}:
            require_new_value(valued[option], value if equals else following)


def options_of(command: str) -> dict[str, str]:
    """The old options of a command, and what each is called now."""
    keys = [pair for section in SECTIONS_OF.get(command, ()) for pair in KEYS[section].items()]
    return {option_of(old): option_of(new) for old, new in keys} | OPTIONS.get(command, {})


def option_of(key: str) -> str:
    """The option of a `section.key` or of a key alone."""
    section, _, name = key.rpartition(".")
    return "--" + (section if name == "name" else name).replace("_", "-")


def with_new_keys(content: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The same under the names of today, in the same order."""
    return {names.get(key, key): value for key, value in content.items()}


def upgrade_params(params: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Sections of params with the keys and the values of today."""
    sections = {name: with_new_keys(keys, KEYS.get(name, {})) for name, keys in with_new_keys(params, SECTIONS).items()}
    return {
        section: {
            key: VALUES.get(f"{section}.{key}", {}).get(value, value) if isinstance(value, str) else value
            for key, value in keys.items()
        }
        for section, keys in sections.items()
    }


def upgrade_history(text: str) -> str:
    """The lines of history.csv under the columns of today."""
    heading, newline, rows = text.partition("\n")
    return ",".join(COLUMNS.get(name, name) for name in heading.split(",")) + newline + rows


def upgrade_checkpoint(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a checkpoint of format 3 as format 4 has it; raises what its faults provoke."""
    new = with_new_keys(content, {"foreign": "imported_from"})
    new["params"] = upgrade_params(new["params"])
    new["data"] = with_new_keys(new["data"], SPEC)
    new["latents"] = [with_new_keys(latent, LATENT) for latent in new["latents"]]
    if new.get("training"):
        training = with_new_keys(new["training"], TRAINING)
        trainer, history = with_new_keys(training["trainer"], TRAINER), upgrade_history(training["history"])
        new["training"] = training | {"trainer": trainer, "history": history}
    return new
