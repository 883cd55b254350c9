"""Checkpoints: a trained model in one self-contained file, usable without its data or params.yaml."""

import io
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bvae_cli import __version__, config
from bvae_cli.checkpoint_schema import CheckpointSchema, describe_fault
from bvae_cli.images.spec import SIDE, UNKNOWN, DataSpec
from bvae_cli.latents import Latent
from bvae_cli.models.initialisation import initialise
from bvae_cli.models.vae import VAE
from bvae_cli.objectives.schedule import format_value
from bvae_cli.params import Params
from bvae_cli.renamed import upgrade_checkpoint
from bvae_cli.system.device import seeded_rng
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import write_bytes
from bvae_cli.system.tensor_files import load_archive

PROGRAM = f"bvae {__version__} with torch {torch.__version__}"
FORMAT = 4  # 1: no training state, 2: no schedules, 3: other names, which `renamed` converts


@dataclass(frozen=True)
class Checkpoint:
    """A model with its parameters, data specification, latent statistics, examples, and training state.

    The training parameters of an imported model are unknown: only `params.model` is valid. It has neither latents nor
    examples if its data was not available during the import.
    """

    step: int
    params: Params
    spec: DataSpec
    vae: VAE
    latents: list[Latent]
    examples: Tensor  # (images, channels, 64, 64) uint8, in the order in which they are displayed
    training: dict[str, Any] | None = None  # all state needed to resume training; None if training cannot be resumed
    imported_from: str | None = None  # file and codebase of an imported model; None if trained by bvae
    program: str | None = None  # program that trained the model, if known


def build_vae(params: Params, spec: DataSpec) -> VAE:
    """Return a new model as specified by params, with weights initialised from the seed."""
    with seeded_rng(params.train.seed):
        likelihood = params.model.likelihood or spec.likelihood
        vae = VAE(params.model.net, likelihood, spec.channels, params.model.latent_dim)
        initialise(vae, params.train.init)
    if params.train.init == "pytorch_default":
        for weight in vae.parameters():
            weight.data *= params.objective.init_gain if weight.ndim > 1 else 1.0
    return vae


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint whose bytes depend only on its content; raises BvaeError if it cannot be written."""
    weights = {name: weight.cpu().contiguous() for name, weight in checkpoint.vae.state_dict().items()}
    content = {
        "format": FORMAT,
        "step": checkpoint.step,
        "params": known_settings(checkpoint),
        "data": asdict(checkpoint.spec),
        "weights": weights,
        "latents": [asdict(latent) for latent in checkpoint.latents],
        "examples": checkpoint.examples,
        "training": checkpoint.training,
        **{key: optional for key in ("imported_from", "program") if (optional := getattr(checkpoint, key))},
    }
    buffer = io.BytesIO()  # torch.save would store the name of a file in its bytes
    torch.save(intern_strings(content), buffer)
    write_bytes(path, buffer.getvalue())


def intern_strings(content: Any) -> Any:
    """Return the content with equal strings as one object, because pickle distinguishes equality and identity."""
    if isinstance(content, str):
        return sys.intern(content)
    if isinstance(content, dict):
        return {intern_strings(key): intern_strings(value) for key, value in content.items()}
    return [intern_strings(value) for value in content] if isinstance(content, list) else content


def known_settings(checkpoint: Checkpoint) -> dict[str, dict[str, Any]]:
    """Return the settings that determine a model; of an imported one, only its architecture is known."""
    settings = training_settings(checkpoint.params)
    return {"model": settings["model"]} if checkpoint.imported_from else settings


def training_settings(params: Params) -> dict[str, dict[str, Any]]:
    """Return the settings that determine a model, without file locations, evaluation and figure settings."""
    settings = config.to_dict(params)
    return {"dataset": {"name": params.dataset.name}, **{key: settings[key] for key in ("model", "objective", "train")}}


def require_same_experiment(checkpoint: Checkpoint, path: Path, params: Params, spec: DataSpec) -> None:
    """Raise BvaeError, naming the key, if a checkpoint belongs to another experiment; `train.steps` may increase."""
    if checkpoint.imported_from:
        raise BvaeError(
            f"cannot resume {path}: it was imported from {checkpoint.imported_from}, without training state",
            "train in another folder with --out, or replace it by training without --resume.",
        )
    if not checkpoint.spec.is_same_data(spec):
        raise BvaeError(
            f"{path} was trained on other data than {params.dataset.name}.h5 contains",
            "restore that data file, or start again without --resume.",
        )
    previous, current = training_settings(checkpoint.params), training_settings(params)
    if not params.train.compress_schedule_to:  # its compression factor depends on train.steps
        previous["train"]["steps"] = max(previous["train"]["steps"], current["train"]["steps"])
    for section, settings in current.items():
        for key in settings | previous[section]:
            old, new = previous[section].get(key), settings.get(key)
            if old != new:
                raise BvaeError(
                    f"{path} was trained with {section}.{key} {format_value(old)}, not {format_value(new)}",
                    f"set {section}.{key} to {format_value(old)} to resume, or start again without --resume.",
                )


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint into CPU memory, without executing any code in the file.

    Raises:
        BvaeError: the file is missing, corrupt, of an unsupported format, no checkpoint of bvae, or contains code.
    """
    content = load_archive(path, "train a model: bvae train")
    if not isinstance(content, dict) or not isinstance(content.get("format"), int):
        raise BvaeError(
            f"{path} is not a checkpoint of bvae", f"import it: bvae import {path}, or train a model: bvae train"
        )
    if content["format"] not in {FORMAT, FORMAT - 1}:
        raise BvaeError(
            f"unsupported checkpoint format {content['format']} in {path} (supported: {FORMAT - 1}, {FORMAT})",
            "upgrade bvae: pip install --upgrade bvae"
            if content["format"] > FORMAT
            else "train the model again: bvae train, or use the version of bvae that wrote the file.",
        )
    try:
        return restore(content if content["format"] == FORMAT else upgrade_checkpoint(content))
    except Exception as error:  # malformed content can raise any exception
        raise BvaeError(f"{path} is corrupt: {describe_fault(error)}", "train the model again: bvae train") from error


def restore(content: dict[str, Any]) -> Checkpoint:
    """Return a checkpoint from its plain content; raises any exception if the content is malformed."""
    schema = CheckpointSchema.model_validate(content)
    params, spec = config.build_params(schema.params), schema.data.to_spec()
    vae = build_vae(params, spec)
    vae.load_state_dict(schema.weights)
    latents = [Latent(**latent.model_dump()) for latent in schema.latents]
    optional = {key: getattr(schema, key) for key in ("training", "imported_from", "program")}
    checkpoint = Checkpoint(schema.step, params, spec, vae.eval(), latents, schema.examples, **optional)
    require_consistent(checkpoint)
    return checkpoint


def require_consistent(checkpoint: Checkpoint) -> None:
    """Raise ValueError if parts of a checkpoint are inconsistent; an imported model may lack latents and examples."""
    vae, spec, latents, examples = checkpoint.vae, checkpoint.spec, checkpoint.latents, checkpoint.examples
    is_imported = checkpoint.imported_from is not None
    if spec.name == UNKNOWN and not is_imported:
        raise ValueError("the name of its data set is missing")
    if [latent.index for latent in latents] != list(range(vae.latent_dim)) and (latents or not is_imported):
        raise ValueError("its latents do not match its model")
    if examples.shape[1:] != (spec.channels, SIDE, SIDE):
        raise ValueError("its examples do not have the image size of its model")
    if not len(examples) and not is_imported:
        raise ValueError("it has no examples")
