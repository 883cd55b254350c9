"""1Konny/Beta-VAE: layers by number, in a dict with the state of a whole training.

Its nets are Sequentials, in which reshapes and ReLUs count as ours do, so that each layer has its number here. Of the
net for CelebA and 3D Chairs this is assumed: encoder 0, 2, 4, 6, 8 convolutions with a ReLU after each, 10 a reshape,
11 linear; decoder 0 linear, 1 a reshape, 2 a ReLU, 3, 5, 7, 9, 11 transposed convolutions with ReLUs between.
"""

from typing import Any

from bvae_cli.interop.layout import CheckpointLayout, ForeignState

LAYERS: dict[str, dict[str, tuple[int, ...]]] = {
    "burgess": {"encoder": (0, 2, 4, 6, 9, 11, 13), "decoder": (0, 2, 4, 7, 9, 11, 13)},
    "higgins_conv": {"encoder": (0, 2, 4, 6, 8, 11), "decoder": (0, 3, 5, 7, 9, 11)},
}


def identity_names(numbers: dict[str, tuple[int, ...]]) -> dict[str, str]:
    """Each layer under the one name that it has there and here."""
    names = [f"{part}.{number}" for part in numbers for number in numbers[part]]
    return dict(zip(names, names, strict=True))


def find_state(content: dict[Any, Any]) -> ForeignState | None:
    """What stands under model_states.net and iter; raises ValueError where it is not what it should be."""
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
    interleaved=False,
    find=find_state,
)
