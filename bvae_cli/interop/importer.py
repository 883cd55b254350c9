"""Import of a model of another program as a checkpoint."""

import shlex
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from bvae_cli import config
from bvae_cli.checkpoint import Checkpoint, build_vae, save_checkpoint
from bvae_cli.datasets import DATASETS
from bvae_cli.datasets.dataset import Dataset
from bvae_cli.datasets.dsprites import DSPRITES
from bvae_cli.images.in_memory import ImageSource
from bvae_cli.images.spec import SIDE, UNKNOWN, DataSpec
from bvae_cli.images.stream import open_stream
from bvae_cli.interop import LAYOUTS
from bvae_cli.interop.translation import TranslatedModel, translate, unwrap_names
from bvae_cli.latents import Latent
from bvae_cli.models.vae import VAE
from bvae_cli.params import Params
from bvae_cli.probe_set import ProbeSet
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import require_folder
from bvae_cli.system.reporting import ProgressCallback
from bvae_cli.system.tensor_files import load_archive

STATE_DICT_KEYS = ("state_dict", "model_state_dict", "model")  # keys under which programs store a state dict
SUPPORTED_LAYOUTS = f"pass one of: {'; '.join(f'{layout.program}: {layout.file}' for layout in LAYOUTS)}."


def import_model(
    path: Path, dataset: str | None, likelihood: str | None, data: Path, out: Path, report: ProgressCallback
) -> Checkpoint:
    """Convert another program's file to `out`/checkpoint.pt and return the checkpoint; no code in the file is executed.

    Args:
        path: the file.
        dataset: training data of the model; None for dSprites if it has one channel.
        likelihood: pixel likelihood; None for that of the data set.
        data: folder of the data files. Without the data file, the checkpoint has no latent statistics and no examples.
        out: output folder.
        report: progress callback.

    Raises:
        BvaeError: the file is missing, corrupt, of an unsupported layout, or contains code; the data set is unknown,
            corrupt, or has another number of channels; the likelihood is invalid; or `out` cannot be written.
    """
    model = read_foreign_model(path)
    params = config.build_params(
        {"model": {"net": model.net, "latent_dim": model.latent_dim, "likelihood": likelihood}}
    )
    spec, images = find_data(model, dataset, likelihood, data)
    require_folder(out)
    vae = build_vae(params, spec)
    vae.load_state_dict(model.weights)
    latents, examples = probe_latents(images, vae, params, report) if images else no_statistics(spec)
    origin = f"{path.name} of {model.program}"
    checkpoint = Checkpoint(model.step, params, spec, vae.eval(), latents, examples, imported_from=origin)
    save_checkpoint(checkpoint, out / "checkpoint.pt")
    return checkpoint


def read_foreign_model(path: Path) -> TranslatedModel:
    """Return the converted model of a file; raises BvaeError if the layout is unsupported or a checkpoint of bvae."""
    content = load_archive(path, "pass a checkpoint file of a supported program.")
    if not isinstance(content, dict):
        raise BvaeError(f"unsupported checkpoint layout: {path}", SUPPORTED_LAYOUTS)
    if isinstance(content.get("format"), int):
        raise BvaeError(
            f"{path} is already a checkpoint of bvae", f"use it directly: bvae evaluate {shlex.quote(str(path))}"
        )
    for layout in LAYOUTS:
        try:
            for states in (content, *(content[key] for key in STATE_DICT_KEYS if isinstance(content.get(key), dict))):
                if state := layout.find(states):
                    return translate(replace(state, weights=unwrap_names(state.weights)), layout)
        except Exception as error:  # malformed content can raise any exception
            reason = " ".join(str(error).split())[:200]
            raise BvaeError(
                f"{path} is not a valid checkpoint of {layout.program}: {reason}", f"pass {layout.file}."
            ) from error
    raise BvaeError(f"unsupported checkpoint layout: {path}", SUPPORTED_LAYOUTS)


def find_data(
    model: TranslatedModel, name: str | None, likelihood: str | None, folder: Path
) -> tuple[DataSpec, ImageSource | None]:
    """Return the data spec of a model, and its images if the data file exists.

    Raises:
        BvaeError: the training data cannot be inferred, or the data set has another number of channels.
    """
    dataset = choose_dataset(model.channels, name)
    if dataset is None:
        if likelihood is None:
            raise BvaeError(
                f"cannot infer the training data of a model with {model.channels} channels",
                "specify it, like --dataset celeba or --dataset 3dchairs, or the likelihood: --likelihood gaussian",
            )
        return DataSpec(UNKNOWN, model.channels, likelihood, {}), None
    has_data = (folder / f"{dataset.spec.name}.h5").is_file()
    images = open_stream(folder, dataset.spec.name) if has_data else None
    spec = images.spec if images else replace(dataset.spec, factors={}, num_samples=0)
    if spec.channels != model.channels:
        raise BvaeError(
            f"the model has {model.channels} channels, but the images of {spec.name} have {spec.channels}",
            "remove --dataset, or pass the data set that the model was trained on.",
        )
    return spec, images


def choose_dataset(channels: int, name: str | None) -> Dataset | None:
    """Return the data set of the given name, or dSprites for one channel; raises BvaeError if the name is unknown."""
    if name is None:
        return DSPRITES if channels == DSPRITES.spec.channels else None
    return DATASETS[config.convert_choice("--dataset", name, DATASETS)]


def probe_latents(
    images: ImageSource, vae: VAE, params: Params, report: ProgressCallback
) -> tuple[list[Latent], Tensor]:
    """Return latent statistics and example images, computed as after training."""
    probe_set = ProbeSet.from_images(images, params.train.seed, torch.device("cpu"))
    return probe_set.latent_statistics(vae, report), probe_set.examples


def no_statistics(spec: DataSpec) -> tuple[list[Latent], Tensor]:
    """Return empty latent statistics and examples."""
    return [], torch.empty(0, spec.channels, SIDE, SIDE, dtype=torch.uint8)
