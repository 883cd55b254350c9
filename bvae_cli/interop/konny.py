"""Checkpoint layout of 1Konny/Beta-VAE: numbered layers, in a dict with the full training state.

Its nets are Sequentials that contain reshapes and ReLUs like ours, so layers have the same indices. The net for CelebA
and 3D Chairs is assumed to have this layout. Encoder: convolutions at 0, 2, 4, 6, 8, each followed by a ReLU, a reshape
at 10, a linear layer at 11. Decoder: a linear layer at 0, a reshape at 1, a ReLU at 2, transposed convolutions at 3, 5,
7, 9, 11 with ReLUs in between.
"""

from typing import Any

from bvae_cli.interop.layout import CheckpointLayout, ForeignState

LAYERS: dict[str, dict[str, tuple[int, ...]]] = {
    "burgess": {"encoder": (0, 2, 4, 6, 9, 11, 13), "decoder": (0, 2, 4, 7, 9, 11, 13)},
    "higgins_conv": {"encoder": (0, 2, 4, 6, 8, 11), "decoder": (0, 3, 5, 7, 9, 11)},
}


def identity_names(numbers: dict[str, tuple[int, ...]]) -> dict[str, str]:
    """Return layer names mapped to themselves, since both programs use the same names."""
    names = [f"{part}.{number}" for part in numbers for number in numbers[part]]
    return dict(zip(names, names, strict=True))


def find_state(content: dict[Any, Any]) -> ForeignState | None:
    """Return the values of model_states.net and iter; None if the content has another layout.

    Raises:
        ValueError: one of them is missing or invalid.
    """
    if "model_states" not in content:
        return None
    states, step = content["model_states"], content.get("iter")
    if not isinstance(states, dict) or not isinstance(states.get("net"), dict):
        raise ValueError("model_states.net is missing")
    if not isinstance(step, int) or isinstance(step, bool) or step < 0:
        raise ValueError("iter, the number of steps, is missing")
    return ForeignState(states["net"], step)


KONNY = CheckpointLayout(
    program="1Konny/Beta-VAE",
    file="last, a dict with model_states.net and iter in it",
    nets={net: identity_names(numbers) for net, numbers in LAYERS.items()},
    is_interleaved=False,
    find=find_state,
)
