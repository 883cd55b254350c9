"""Rendering of a checkpoint as a self-contained explorer page."""

import base64
import hashlib
import io
import math
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image
from torch import Tensor

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.config import to_dict
from bvae_cli.explorer.layers import LayerSpec, describe_layers
from bvae_cli.images.spec import UNKNOWN
from bvae_cli.latents import sort_by_kl
from bvae_cli.objectives.schedule import format_value
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import write_text

HERE = Path(__file__).parent
SCRIPTS = ("nets.js", "images.js", "model.js", "sliders.js", "thumbnails.js", "pad.js", "animation.js", "examples.js")
MAX_EXAMPLES = 16  # examples of the checkpoint on the page
MAX_STD = 3  # range of the sliders, in standard deviations of the prior


def write_page(checkpoint: Checkpoint, path: Path) -> Path:
    """Write the explorer page of a model and return its path.

    Raises:
        BvaeError: the file name does not end in .html or .htm, or the file cannot be written.
    """
    if path.suffix.lower() not in {".html", ".htm"}:
        raise BvaeError(f"invalid file name of an HTML page: {path}", f"--out {path.with_suffix('.html')}")
    write_text(path, render_page(checkpoint))
    return path


def render_page(checkpoint: Checkpoint) -> str:
    """Return the HTML page: texts of the checkpoint are escaped, and a content security policy blocks all requests."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    script = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    style = (HERE / "page.css").read_text(encoding="utf-8")
    nets = [describe_layers(net, checkpoint.spec.channels) for net in (checkpoint.vae.encoder, checkpoint.vae.decoder)]
    return environment.get_template("page.html").render(
        script=script,
        script_hash=csp_hash(script),
        style=style,
        style_hash=csp_hash(style),
        weights=encode_weights(layer for layers in nets for layer in layers),
        facts=model_facts(checkpoint, *nets),
        examples=[png_url(image) for image in checkpoint.examples[:MAX_EXAMPLES]],
        has_statistics=bool(checkpoint.latents),
        latents=latent_rows(checkpoint),
        max_std=MAX_STD,
        **model_origin(checkpoint),
    )


def csp_hash(content: str) -> str:
    """Return the hash by which a content security policy allows a script or a style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def encode_weights(layers: Iterable[LayerSpec]) -> str:
    """Return all weights, concatenated, as little-endian float32 in base64."""
    parts = [weight.detach().float().reshape(-1) for layer in layers for weight in layer.weights]
    return base64.b64encode(torch.cat(parts).numpy().astype("<f4").tobytes()).decode()


def model_facts(checkpoint: Checkpoint, encoder: list[LayerSpec], decoder: list[LayerSpec]) -> dict[str, Any]:
    """Return the data for the script: the layers, and the name, range and mean of each latent by index."""
    without_statistics = [{"name": f"z{index}"} for index in range(checkpoint.vae.latent_dim)]
    with_statistics = [
        {
            "name": latent.top_factor or f"z{latent.index}",
            "min": latent.posterior_mean_min,
            "max": latent.posterior_mean_max,
            "mean": 0.0 if math.isnan(latent.posterior_mean_avg) else latent.posterior_mean_avg,
        }
        for latent in checkpoint.latents
    ]
    return {
        "channels": checkpoint.spec.channels,
        "max_std": MAX_STD,
        "latents": with_statistics or without_statistics,
        "encoder": [describe_layer(layer) for layer in encoder],
        "decoder": [describe_layer(layer) for layer in decoder],
    }


def describe_layer(layer: LayerSpec) -> dict[str, Any]:
    """Return the description of a layer for the script, with the sizes of its weights if it has some."""
    if not layer.weights:
        return {"kind": layer.kind, **layer.shape}
    (rows, columns), (biases,) = (weight.shape for weight in layer.weights)
    return {"kind": layer.kind, **layer.shape, "rows": rows, "columns": columns, "biases": biases}


def latent_rows(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """Return the latents in the order of the page: by KL, largest first, or by index if there are no statistics."""
    if checkpoint.latents:
        return [{**asdict(latent), "is_active": latent.is_active} for latent in sort_by_kl(checkpoint.latents)]
    return [{"index": index, "top_factor": None, "is_active": True} for index in range(checkpoint.vae.latent_dim)]


def model_origin(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the data set, the origin and the hyperparameters of a model, as far as they are known."""
    settings = to_dict(checkpoint.params)
    objective, net = settings["objective"], settings["model"]["net"]
    trained = f"objective {objective.pop('name')}, {checkpoint.step:,} steps, net {net}"
    return {
        "dataset": "" if checkpoint.spec.name == UNKNOWN else checkpoint.spec.name,
        "origin": f"{checkpoint.imported_from}, net {net}" if checkpoint.imported_from else trained,
        "hyperparameters": {}
        if checkpoint.imported_from
        else {name: format_value(value) for name, value in objective.items()},
    }


def png_url(image: Tensor) -> str:
    """Return an image, (channels, height, width) bytes, as a PNG data URL."""
    content = io.BytesIO()
    pixels = image.movedim(0, -1).numpy()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
