"""Checkpoint layout of YannDubs/disentangling-vae: named layers, in a plain state dict."""

from typing import Any

from bvae_cli.interop.layout import CheckpointLayout, ForeignState, without_wrappers

LAYERS = {
    "encoder.conv1": "encoder.0",
    "encoder.conv2": "encoder.2",
    "encoder.conv3": "encoder.4",
    "encoder.conv_64": "encoder.6",
    "encoder.lin1": "encoder.9",
    "encoder.lin2": "encoder.11",
    "encoder.mu_logvar_gen": "encoder.13",
    "decoder.lin1": "decoder.0",
    "decoder.lin2": "decoder.2",
    "decoder.lin3": "decoder.4",
    "decoder.convT_64": "decoder.7",
    "decoder.convT1": "decoder.9",
    "decoder.convT2": "decoder.11",
    "decoder.convT3": "decoder.13",
}


def find_state(content: dict[Any, Any]) -> ForeignState | None:
    """Return the content itself if it contains any of the layers, else None; it has no number of steps."""
    names = (without_wrappers(str(key)).split(".") for key in content)
    layers = {".".join(parts[-3:-1]) for parts in names}  # without the prefix of a network that contains the model
    return ForeignState(content, step=0) if layers & LAYERS.keys() else None


YANNDUBS = CheckpointLayout(
    program="YannDubs/disentangling-vae",
    file="model.pt, a state dict with encoder.conv1.weight in it",
    nets={"burgess": LAYERS},
    is_interleaved=True,
    find=find_state,
)
