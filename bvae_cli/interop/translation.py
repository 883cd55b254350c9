"""Conversion of the weights of another program to one of our nets; the order of the latents is preserved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bvae_cli.interop.layout import CheckpointLayout, ForeignState, without_wrappers
from bvae_cli.models.vae import VAE

MAX_PARTS = 3  # of the name of a weight in the other programs, such as encoder.conv1.weight
MAX_NAMED = 3  # keys named in a message, at most


@dataclass(frozen=True)
class TranslatedModel:
    """A net with converted weights, in our naming and layout."""

    net: str
    channels: int
    latent_dim: int
    weights: dict[str, Tensor]  # float32
    step: int
    program: str


def translate(state: ForeignState, layout: CheckpointLayout) -> TranslatedModel:
    """Convert a state to the net with the most similar layer names; sizes are inferred from the weights.

    Raises:
        ValueError: a weight is missing, unexpected, of the wrong shape or not finite; it is given by its name there.
    """
    net = min(layout.nets, key=lambda net: len(parameter_names(layout.nets[net]).keys() ^ state.weights.keys()))
    names = parameter_names(layout.nets[net])
    require_all(state.weights, names)
    weights = {ours: to_float32(theirs, state.weights[theirs]) for theirs, ours in names.items()}
    posterior = [layer for layer in layout.nets[net].values() if layer.startswith("encoder.")][-1]
    channels, latent_dim = infer_sizes(weights["encoder.0.weight"], weights[f"{posterior}.weight"])
    require_shapes(weights, names, net, channels, latent_dim)
    if layout.is_interleaved:
        weights |= {key: means_first(weights[key]) for key in (f"{posterior}.weight", f"{posterior}.bias")}
    return TranslatedModel(net, channels, latent_dim, weights, state.step, layout.program)


def unwrap_names(weights: Mapping[Any, Any]) -> dict[str, Any]:
    """Return weights without the prefixes that wrappers of a network, and a network that contains it, add to names.

    Raises:
        ValueError: two weights have the same name without them.
    """
    names = [without_wrappers(str(name)).split(".") for name in weights]
    while names and all(len(parts) > MAX_PARTS for parts in names) and len({parts[0] for parts in names}) == 1:
        names = [parts[1:] for parts in names]
    unwrapped = {".".join(parts): weight for parts, weight in zip(names, weights.values(), strict=True)}
    if len(unwrapped) < len(weights):
        raise ValueError("two of its weights have the same name")
    return unwrapped


def parameter_names(layers: Mapping[str, str]) -> dict[str, str]:
    """Return the names of weights and biases in the other program mapped to ours."""
    return {f"{theirs}.{kind}": f"{ours}.{kind}" for theirs, ours in layers.items() for kind in ("weight", "bias")}


def means_first(rows: Tensor) -> Tensor:
    """Reorder rows, (2·latents, …), from alternating mean and log-variance to all means, then all log-variances."""
    return rows.reshape(-1, 2, *rows.shape[1:]).transpose(0, 1).flatten(0, 1)


def infer_sizes(first: Tensor, last: Tensor) -> tuple[int, int]:
    """Return the numbers of channels and latents, given the weights of the encoder's first and last layer.

    A number that the shapes do not contain is 1; `require_shapes` reports such weights.
    """
    return first.shape[1] if first.ndim == 4 else 1, max(1, last.shape[0] // 2 if last.ndim else 0)


def require_all(weights: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Raise ValueError if weights are missing or unexpected."""
    if missing := [key for key in names if key not in weights]:
        raise ValueError(f"missing weights: {abbreviate(missing)}")
    if unexpected := [key for key in weights if key not in names]:
        raise ValueError(f"unexpected weights: {abbreviate(unexpected)}")


def to_float32(key: str, weight: Any) -> Tensor:
    """Return a weight as float32; raises ValueError if it is not a floating-point tensor, or not finite."""
    if not isinstance(weight, Tensor) or not weight.is_floating_point():
        raise ValueError(f"{key} is not a floating-point tensor")
    if not weight.float().isfinite().all():
        raise ValueError(f"{key} contains NaN or infinity")
    return weight.float()


def require_shapes(
    weights: Mapping[str, Tensor], names: Mapping[str, str], net: str, channels: int, latent_dim: int
) -> None:
    """Raise ValueError if a weight has another shape than in the net, or the number of channels is unsupported."""
    with torch.device("meta"):  # shapes without memory
        expected = VAE(net, "bernoulli", channels, latent_dim).state_dict()
    for theirs, ours in names.items():
        shape, expected_shape = tuple(weights[ours].shape), tuple(expected[ours].shape)
        if shape != expected_shape:
            raise ValueError(f"{theirs} has shape {shape}, expected {expected_shape}")
    if channels not in {1, 3}:
        raise ValueError(f"{next(iter(names))} has {channels} input channels, expected 1 or 3")


def abbreviate(keys: list[Any]) -> str:
    """Return the first MAX_NAMED keys as text, and the number of further keys."""
    text = ", ".join(map(str, keys[:MAX_NAMED]))
    return f"{text} and {len(keys) - MAX_NAMED} more" if len(keys) > MAX_NAMED else text
