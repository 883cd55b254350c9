"""A model of another program as a checkpoint of ours."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from bvae_cli import config
from bvae_cli.checkpoint import Checkpoint, build_vae, load_archive, save_checkpoint
from bvae_cli.datasets import DATASETS
from bvae_cli.datasets.dataset import Dataset
from bvae_cli.datasets.dsprites import DSPRITES
from bvae_cli.images.in_memory import ImageSource
from bvae_cli.images.spec import SIDE, UNKNOWN, DataSpec
from bvae_cli.images.stream import open_stream
from bvae_cli.interop import LAYOUTS
from bvae_cli.interop.translation import TranslatedModel, translate
from bvae_cli.latents import Latent
from bvae_cli.models.vae import VAE
from bvae_cli.params import Params
from bvae_cli.probe_set import ProbeSet
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import require_folder
from bvae_cli.system.reporting import ProgressCallback

KNOWN_LAYOUTS = "; ".join(f"{layout.program}: {layout.file}" for layout in LAYOUTS)


def import_model(
    path: Path, dataset: str | None, likelihood: str | None, data: Path, out: Path, report: ProgressCallback
) -> Checkpoint:
    """Write checkpoint.pt of another program's file, of which nothing is executed.

    Args:
        path: the file.
        dataset: what the model was trained on; None for dSprites where they are grey.
        likelihood: of a pixel; None for the data set's own.
        data: the folder of the data files. Where there is none of the data set, the checkpoint has neither latents nor
            examples.
        out: the folder to write to.
        report: is told how far the images are.

    Raises:
        BvaeError: the file is missing, damaged, in no layout that is known, or would run code; the data set is none, of
            other channels, or damaged; the likelihood is none; or `out` cannot be written.
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
    """The model in a file; raises BvaeError where there is none, or one of ours."""
    content = load_archive(path, "name a file of another program.")
    if not isinstance(content, dict):
        raise BvaeError(f"{path} is in no layout that is known", KNOWN_LAYOUTS)
    if isinstance(content.get("format"), int):
        raise BvaeError(f"{path} is a checkpoint of bvae already", "use it as it is.")
    for layout in LAYOUTS:
        try:
            if state := layout.find(content):
                return translate(state, layout)
        except Exception as error:  # whatever a stranger's content provokes
            reason = " ".join(str(error).split())[:200]
            raise BvaeError(f"{path} is no model of {layout.program}: {reason}", f"it writes {layout.file}") from error
    raise BvaeError(f"{path} is in no layout that is known", KNOWN_LAYOUTS)


def find_data(
    model: TranslatedModel, wanted: str | None, likelihood: str | None, folder: Path
) -> tuple[DataSpec, ImageSource | None]:
    """What a model was trained on, and its images where they are there; raises BvaeError where it cannot be told."""
    dataset = choose_dataset(model.channels, wanted)
    if dataset is None:
        if likelihood is None:
            raise BvaeError(
                f"the model takes pictures of {model.channels} channels: what it was trained on cannot be told",
                "say it: --dataset celeba, or 3dchairs; or its likelihood: --likelihood gaussian.",
            )
        return DataSpec(UNKNOWN, model.channels, likelihood, {}), None
    there = (folder / f"{dataset.spec.name}.h5").is_file()
    images = open_stream(folder, dataset.spec.name) if there else None
    spec = images.spec if images else replace(dataset.spec, factors={}, num_samples=0)
    if spec.channels != model.channels:
        raise BvaeError(
            f"the model takes pictures of {model.channels} channels; those of {spec.name} have {spec.channels}",
            "leave --dataset out.",
        )
    return spec, images


def choose_dataset(channels: int, wanted: str | None) -> Dataset | None:
    """The one that is wanted, else dSprites for grey pictures; raises BvaeError where there is none of that name."""
    if wanted is None:
        return DSPRITES if channels == DSPRITES.spec.channels else None
    return DATASETS[config.convert_choice("--dataset", wanted, DATASETS)]


def probe_latents(
    images: ImageSource, vae: VAE, params: Params, report: ProgressCallback
) -> tuple[list[Latent], Tensor]:
    """Latents and examples, as a training takes them from its images."""
    probe_set = ProbeSet.from_images(images, params.train.seed, torch.device("cpu"))
    return probe_set.latent_statistics(vae, params.train.precision, report), probe_set.examples


def no_statistics(spec: DataSpec) -> tuple[list[Latent], Tensor]:
    """Neither latents nor examples."""
    return [], torch.empty(0, spec.channels, SIDE, SIDE, dtype=torch.uint8)
