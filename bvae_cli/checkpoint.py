"""A trained model in one file, which needs neither data nor params.yaml beside it."""

import io
import math
import pickle
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bvae_cli import __version__, config
from bvae_cli.images.spec import SIDE, UNKNOWN, DataSpec, require_valid_name
from bvae_cli.latents import Latent
from bvae_cli.models.initialisation import initialise
from bvae_cli.models.vae import VAE
from bvae_cli.objectives.schedule import format_value
from bvae_cli.params import Params
from bvae_cli.renamed import upgrade_checkpoint
from bvae_cli.system.device import seeded_rng
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import write_bytes

PROGRAM = f"bvae {__version__} with torch {torch.__version__}"
FORMAT = 4  # 1 had no training state, 2 no schedules, 3 the same under other names, which `renamed` knows


@dataclass(frozen=True)
class Checkpoint:
    """A model, what it was trained by and on, what is known of its latents, and what goes on from here.

    Of a foreign one nobody knows how it was trained: of its params `model` alone counts. Where its data was not there
    when it was imported, it has neither latents nor examples.
    """

    step: int
    params: Params
    spec: DataSpec
    vae: VAE
    latents: list[Latent]
    examples: Tensor  # (images, channels, 64, 64) uint8, those to show first
    training: dict[str, Any] | None = None  # all that further steps depend on; None where there can be none
    imported_from: str | None = None  # file and program that it was imported from; None where it was trained by bvae
    program: str | None = None  # that trained it, where that is known


def build_vae(params: Params, spec: DataSpec) -> VAE:
    """A model as params describe it, with weights from the seed."""
    with seeded_rng(params.train.seed):
        likelihood = params.model.likelihood or spec.likelihood
        vae = VAE(params.model.net, likelihood, spec.channels, params.model.latent_dim)
        initialise(vae, params.train.init)
    for weight in vae.parameters():
        weight.data *= params.objective.init_gain if weight.ndim > 1 else 1.0
    return vae


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint whose bytes depend on what is in it alone; raises BvaeError where it cannot be written."""
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
    buffer = io.BytesIO()  # a file's name would become part of its bytes
    torch.save(intern_strings(content), buffer)
    write_bytes(path, buffer.getvalue())


def intern_strings(content: Any) -> Any:
    """The same with equal strings made one: pickle tells apart whether a string is the same as one before, or equal."""
    if isinstance(content, str):
        return sys.intern(content)
    if isinstance(content, dict):
        return {intern_strings(key): intern_strings(value) for key, value in content.items()}
    return [intern_strings(value) for value in content] if isinstance(content, list) else content


def known_settings(checkpoint: Checkpoint) -> dict[str, dict[str, Any]]:
    """The settings that made a model what it is, as far as they are known."""
    settings = training_settings(checkpoint.params)
    return {"model": settings["model"]} if checkpoint.imported_from else settings


def training_settings(params: Params) -> dict[str, dict[str, Any]]:
    """The settings that made a model what it is: not where its data lay, nor how it is looked at."""
    settings = config.to_dict(params)
    return {"dataset": {"name": params.dataset.name}, **{key: settings[key] for key in ("model", "objective", "train")}}


def require_same_experiment(checkpoint: Checkpoint, path: Path, params: Params, spec: DataSpec) -> None:
    """Raise BvaeError, naming the key, where a checkpoint is not of this experiment; it may have more steps to go."""
    if checkpoint.imported_from:
        raise BvaeError(
            f"{path} is {checkpoint.imported_from}: how it was trained is not known, so it cannot go on",
            "train in another folder, with --out; or in its place, without --resume.",
        )
    if checkpoint.spec != spec:
        raise BvaeError(f"{path} was trained on other data", "put the data back, or begin anew without --resume.")
    before, now = training_settings(checkpoint.params), training_settings(params)
    if not params.train.compress_schedule_to:  # which has another pace, where the experiment has other steps
        before["train"]["steps"] = max(before["train"]["steps"], now["train"]["steps"])
    for section, settings in now.items():
        for key in settings | before[section]:
            was, wanted = before[section].get(key), settings.get(key)
            if was != wanted:
                raise BvaeError(
                    f"{path} was trained with {section}.{key} {format_value(was)}, not {format_value(wanted)}",
                    f"put it back to go on; to begin anew, leave --resume out, or move {path.name} away.",
                )


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint on the processor, executing nothing that is in it.

    Raises:
        BvaeError: it is missing, damaged, of another format, not ours, or would run code.
    """
    content = load_archive(path, "train one with: bvae train")
    if not isinstance(content, dict) or not isinstance(content.get("format"), int):
        raise BvaeError(f"{path} is not a checkpoint of bvae", "train one with: bvae train")
    if content["format"] not in {FORMAT, FORMAT - 1}:
        raise BvaeError(
            f"{path} is of format {content['format']}; this bvae knows {FORMAT}",
            "upgrade bvae." if content["format"] > FORMAT else "train it anew, or take the bvae that wrote it.",
        )
    try:
        return restore(content if content["format"] == FORMAT else upgrade_checkpoint(content))
    except Exception as error:  # whatever a stranger's content provokes
        raise BvaeError(f"{path} is damaged: {' '.join(str(error).split())[:200]}", "train it anew.") from error


def load_archive(path: Path, remedy: str) -> Any:
    """The plain containers and tensors of a file; raises BvaeError, with the remedy, where it has anything else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about files that are refused in a moment
            return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise BvaeError(f"there is no checkpoint {path}", remedy) from error
    except OSError as error:
        raise BvaeError(f"cannot read {path}: {error.strerror}", "name a checkpoint that can be read.") from error
    except pickle.UnpicklingError as error:
        raise BvaeError(
            f"{path} is no archive of tensors, or would run code when opened", f"it was not opened; {remedy}"
        ) from error
    except Exception as error:  # whatever a stranger's bytes provoke
        raise BvaeError(f"{path} is cut short, or no checkpoint at all", f"copy it anew, or {remedy}") from error


def restore(content: dict[str, Any]) -> Checkpoint:
    """A checkpoint from its plain content; raises what its faults provoke."""
    params, spec = config.build_params(content["params"]), DataSpec(**content["data"])
    vae = build_vae(params, spec)
    vae.load_state_dict(content["weights"])
    latents = [Latent(**latent) for latent in content["latents"]]
    step, optional = int(content["step"]), {key: content.get(key) for key in ("training", "imported_from", "program")}
    checkpoint = Checkpoint(step, params, spec, vae.eval(), latents, content["examples"], **optional)
    require_consistent(checkpoint)
    return checkpoint


def require_consistent(checkpoint: Checkpoint) -> None:
    """Raise ValueError where parts of a checkpoint do not fit each other; a foreign model may lack what is optional."""
    vae, spec, latents, examples = checkpoint.vae, checkpoint.spec, checkpoint.latents, checkpoint.examples
    foreign = isinstance(checkpoint.imported_from, str)
    if spec.name != UNKNOWN or not foreign:
        require_valid_name("data.name", spec.name)
    if not all(weight.isfinite().all() for weight in vae.parameters()):
        raise ValueError("its weights are not finite")
    if [latent.index for latent in latents] != list(range(vae.latent_dim)) and (latents or not foreign):
        raise ValueError("its latents are not those of its model")
    if not all(
        math.isfinite(number)
        for latent in latents
        for number in (latent.kl, latent.posterior_mean_min, latent.posterior_mean_max)
    ):
        raise ValueError("what it says of its latents is not finite")
    if examples.shape[1:] != (spec.channels, SIDE, SIDE) or examples.dtype != torch.uint8:
        raise ValueError("its examples are no pictures of its model's size")
    if not len(examples) and not foreign:
        raise ValueError("it has no examples")
