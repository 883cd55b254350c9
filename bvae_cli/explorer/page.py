"""A checkpoint as one page that needs nothing but a browser."""

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
SHOWN = 16  # examples of a checkpoint that the page has
SPAN = 3  # standard deviations of the prior, either way


def write_page(checkpoint: Checkpoint, path: Path) -> Path:
    """Write the explorer of a model; the file written.

    Raises:
        BvaeError: the file would not be taken for a page, or cannot be written.
    """
    if path.suffix.lower() not in {".html", ".htm"}:
        raise BvaeError(f"{path} would not be opened as a page", f"end its name in .html: --out {path.stem}.html")
    write_text(path, render_page(checkpoint))
    return path


def render_page(checkpoint: Checkpoint) -> str:
    """The page: texts of the checkpoint are escaped, and it can neither fetch nor send anything."""
    room = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    script = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    style = (HERE / "page.css").read_text(encoding="utf-8")
    halves = [
        describe_layers(net, checkpoint.spec.channels) for net in (checkpoint.vae.encoder, checkpoint.vae.decoder)
    ]
    return room.get_template("page.html").render(
        script=script,
        script_hash=csp_hash(script),
        style=style,
        style_hash=csp_hash(style),
        weights=encode_weights(layer for layers in halves for layer in layers),
        facts=model_facts(checkpoint, *halves),
        examples=[png_url(image) for image in checkpoint.examples[:SHOWN]],
        known=bool(checkpoint.latents),
        latents=latent_rows(checkpoint),
        span=SPAN,
        **model_origin(checkpoint),
    )


def csp_hash(content: str) -> str:
    """What a content security policy knows a script or a style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def encode_weights(layers: Iterable[LayerSpec]) -> str:
    """All weights, one after the other, float32 with the least byte first, in base64."""
    parts = [weight.detach().float().reshape(-1) for layer in layers for weight in layer.weights]
    return base64.b64encode(torch.cat(parts).numpy().astype("<f4").tobytes()).decode()


def model_facts(checkpoint: Checkpoint, encoder: list[LayerSpec], decoder: list[LayerSpec]) -> dict[str, Any]:
    """What the script has to know of the model; of its latents, by number, the name, the range and the centre."""
    unknown = [{"name": f"z{index}"} for index in range(checkpoint.vae.latent_dim)]
    known = [
        {
            "name": latent.top_factor or f"z{latent.index}",
            "low": latent.posterior_mean_min,
            "high": latent.posterior_mean_max,
            "centre": 0.0 if math.isnan(latent.posterior_mean_avg) else latent.posterior_mean_avg,
        }
        for latent in checkpoint.latents
    ]
    return {
        "channels": checkpoint.spec.channels,
        "span": SPAN,
        "latents": known or unknown,
        "encoder": [describe_layer(layer) for layer in encoder],
        "decoder": [describe_layer(layer) for layer in decoder],
    }


def describe_layer(layer: LayerSpec) -> dict[str, Any]:
    """A layer as the script reads it; where it has weights, how many."""
    if not layer.weights:
        return {"kind": layer.kind, **layer.shape}
    (rows, columns), (biases,) = (weight.shape for weight in layer.weights)
    return {"kind": layer.kind, **layer.shape, "rows": rows, "columns": columns, "biases": biases}


def latent_rows(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """The latents as they stand on the page, the most telling first; in their own order where nothing is known."""
    if checkpoint.latents:
        return [{**asdict(latent), "is_active": latent.is_active} for latent in sort_by_kl(checkpoint.latents)]
    return [{"index": index, "top_factor": None, "is_active": True} for index in range(checkpoint.vae.latent_dim)]


def model_origin(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the model is of, and how it came to be, as far as it is known."""
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
    """(channels, height, width) bytes as a PNG in a URL."""
    content = io.BytesIO()
    pixels = image.movedim(0, -1).numpy()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
