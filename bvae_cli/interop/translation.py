"""A model in another program's layout as weights of one of our nets, its latents in their order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bvae_cli.interop.layout import CheckpointLayout, ForeignState
from bvae_cli.models.vae import VAE

LISTED = 3  # keys that a message names


@dataclass(frozen=True)
class TranslatedModel:
    """What a net is, its weights as ours are called and laid out, and where they come from."""

    net: str
    channels: int
    latent_dim: int
    weights: dict[str, Tensor]  # float32
    step: int
    program: str


def translate(state: ForeignState, layout: CheckpointLayout) -> TranslatedModel:
    """Take the net whose layers the state is nearest to, and its sizes from the shapes of its weights.

    Raises:
        ValueError: a weight is missing, superfluous, of the wrong shape or not finite; it is named as it is there.
    """
    net = min(layout.nets, key=lambda net: len(parameter_names(layout.nets[net]).keys() ^ state.weights.keys()))
    names = parameter_names(layout.nets[net])
    require_all(state.weights, names)
    weights = {ours: to_float32(theirs, state.weights[theirs]) for theirs, ours in names.items()}
    posterior = [layer for layer in layout.nets[net].values() if layer.startswith("encoder.")][-1]
    channels, latent_dim = infer_sizes(weights["encoder.0.weight"], weights[f"{posterior}.weight"])
    require_shapes(weights, names, net, channels, latent_dim)
    if layout.interleaved:
        weights |= {key: means_first(weights[key]) for key in (f"{posterior}.weight", f"{posterior}.bias")}
    return TranslatedModel(net, channels, latent_dim, weights, state.step, layout.program)


def parameter_names(layers: Mapping[str, str]) -> dict[str, str]:
    """The weights and biases of layers, by their names there, and their names here."""
    return {f"{theirs}.{kind}": f"{ours}.{kind}" for theirs, ours in layers.items() for kind in ("weight", "bias")}


def means_first(rows: Tensor) -> Tensor:
    """(2·latents, …), a mean and a log-variance by turns, as all means and then all log-variances."""
    return rows.reshape(-1, 2, *rows.shape[1:]).transpose(0, 1).flatten(0, 1)


def infer_sizes(first: Tensor, last: Tensor) -> tuple[int, int]:
    """Channels and latents, by the weights of an encoder's first and last layer; 1 where they have none."""
    return first.shape[1] if first.ndim == 4 else 1, max(1, last.shape[0] // 2 if last.ndim else 0)


def require_all(weights: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Raise ValueError where there are fewer weights than these, or more."""
    if missing := [key for key in names if key not in weights]:
        raise ValueError(f"missing: {abbreviate(missing)}")
    if extra := [key for key in weights if key not in names]:
        raise ValueError(f"not of this net: {abbreviate(extra)}")


def to_float32(key: str, weight: Any) -> Tensor:
    """A weight in float32; raises ValueError where it is no tensor, or not finite."""
    if not isinstance(weight, Tensor) or not weight.is_floating_point():
        raise ValueError(f"{key} is no tensor of numbers")
    if not weight.float().isfinite().all():
        raise ValueError(f"{key} is not finite")
    return weight.float()


def require_shapes(
    weights: Mapping[str, Tensor], names: Mapping[str, str], net: str, channels: int, latent_dim: int
) -> None:
    """Raise ValueError where a weight is not of the shape that it has in the net."""
    with torch.device("meta"):  # shapes alone
        expected = VAE(net, "bernoulli", channels, latent_dim).state_dict()
    for theirs, ours in names.items():
        there, wanted = tuple(weights[ours].shape), tuple(expected[ours].shape)
        if there != wanted:
            raise ValueError(f"{theirs} is {there}, not {wanted}")
    if channels not in {1, 3}:
        raise ValueError(f"{next(iter(names))} takes pictures of {channels} channels, not of 1 or 3")


def abbreviate(keys: list[Any]) -> str:
    """The first of some keys, and how many more there are."""
    shown = ", ".join(map(str, keys[:LISTED]))
    return f"{shown} and {len(keys) - LISTED} more" if len(keys) > LISTED else shown
