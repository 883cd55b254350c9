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
from bvae_cli.datasets.spec import UNKNOWN
from bvae_cli.explorer.layers import Layer, layers_of
from bvae_cli.latents import by_kl
from bvae_cli.objectives.schedule import text_of
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import write_text

HERE = Path(__file__).parent
SCRIPTS = ("nets.js", "pictures.js", "model.js", "sliders.js", "ends.js", "pad.js", "playing.js", "starts.js")
SHOWN = 16  # examples of a checkpoint that the page has
SPAN = 3  # standard deviations of the prior, either way


def write_page(checkpoint: Checkpoint, path: Path) -> Path:
    """Write the explorer of a model; the file written.

    Raises:
        BvaeError: the file would not be taken for a page, or cannot be written.
    """
    if path.suffix.lower() not in {".html", ".htm"}:
        raise BvaeError(f"{path} would not be opened as a page", f"end its name in .html: --export {path.stem}.html")
    write_text(path, page_of(checkpoint))
    return path


def page_of(checkpoint: Checkpoint) -> str:
    """The page: texts of the checkpoint are escaped, and it can neither fetch nor send anything."""
    room = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    script = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    style = (HERE / "page.css").read_text(encoding="utf-8")
    halves = [layers_of(net, checkpoint.spec.channels) for net in (checkpoint.vae.encoder, checkpoint.vae.decoder)]
    return room.get_template("page.html").render(
        script=script,
        script_hash=hash_of(script),
        style=style,
        style_hash=hash_of(style),
        weights=weights_of(layer for layers in halves for layer in layers),
        facts=facts_of(checkpoint, *halves),
        examples=[picture_of(image) for image in checkpoint.examples[:SHOWN]],
        known=bool(checkpoint.latents),
        latents=rows_of(checkpoint),
        span=SPAN,
        **origin_of(checkpoint),
    )


def hash_of(content: str) -> str:
    """What a content security policy knows a script or a style by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def weights_of(layers: Iterable[Layer]) -> str:
    """All weights, one after the other, float32 with the least byte first, in base64."""
    parts = [weight.detach().float().reshape(-1) for layer in layers for weight in layer.weights]
    return base64.b64encode(torch.cat(parts).numpy().astype("<f4").tobytes()).decode()


def facts_of(checkpoint: Checkpoint, encoder: list[Layer], decoder: list[Layer]) -> dict[str, Any]:
    """What the script has to know of the model; of its latents, by number, the name, the range and the centre."""
    unknown = [{"name": f"z{index}"} for index in range(checkpoint.vae.latent_dim)]
    known = [
        {
            "name": latent.factor or f"z{latent.index}",
            "low": latent.low,
            "high": latent.high,
            "centre": 0.0 if math.isnan(latent.centre) else latent.centre,
        }
        for latent in checkpoint.latents
    ]
    return {
        "channels": checkpoint.spec.channels,
        "span": SPAN,
        "latents": known or unknown,
        "encoder": [described(layer) for layer in encoder],
        "decoder": [described(layer) for layer in decoder],
    }


def described(layer: Layer) -> dict[str, Any]:
    """A layer as the script reads it; where it has weights, how many."""
    if not layer.weights:
        return {"kind": layer.kind, **layer.shape}
    (rows, columns), (biases,) = (weight.shape for weight in layer.weights)
    return {"kind": layer.kind, **layer.shape, "rows": rows, "columns": columns, "biases": biases}


def rows_of(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """The latents as they stand on the page, the most telling first; in their own order where nothing is known."""
    if checkpoint.latents:
        return [{**asdict(latent), "used": latent.used} for latent in by_kl(checkpoint.latents)]
    return [{"index": index, "factor": None, "used": True} for index in range(checkpoint.vae.latent_dim)]


def origin_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the model is of, and how it came to be, as far as it is known."""
    settings = to_dict(checkpoint.params)
    objective, net = settings["objective"], settings["model"]["net"]
    trained = f"objective {objective.pop('name')}, {checkpoint.step:,} steps, net {net}"
    return {
        "dataset": "" if checkpoint.spec.name == UNKNOWN else checkpoint.spec.name,
        "origin": f"{checkpoint.foreign}, net {net}" if checkpoint.foreign else trained,
        "knobs": {} if checkpoint.foreign else {name: text_of(value) for name, value in objective.items()},
    }


def picture_of(image: Tensor) -> str:
    """(channels, height, width) bytes as a PNG in a URL."""
    content = io.BytesIO()
    pixels = image.movedim(0, -1).numpy()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
