"""A net as nets.js computes it: what each layer is, and its weights as a matrix from what goes in to what comes out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from bvae_cli.models.layers import Down, Up


@dataclass(frozen=True)
class Layer:
    """A layer as nets.js knows it."""

    kind: str
    shape: dict[str, int] = field(default_factory=dict)
    weights: tuple[Tensor, ...] = ()  # the matrix, (in, out), and the bias, (out,)


def layers_of(net: nn.Module, channels: int) -> list[Layer]:
    """The layers of a sequence of torch's, in their order.

    Args:
        net: an encoder or a decoder.
        channels: of the picture that goes in, if any.

    Raises:
        NotImplementedError: a layer is of a kind that the page does not compute.
    """
    found = []
    for module in net.children():
        reader = READERS.get(type(module))
        if reader is None:
            raise NotImplementedError(f"the explorer has no layer for {module}: add it to layers.py and to nets.js")
        found.append(reader(module, channels))
        channels = getattr(module, "out_channels", channels)
    return found


def dense(module: nn.Linear, _: int) -> Layer:
    """Each number of all."""
    return Layer("dense", weights=(module.weight.T, bias(module, module.out_features)))


def convolution(module: nn.Conv2d, _: int) -> Layer:
    """Each pixel of a patch, (row, column, channel)."""
    matrix = module.weight.permute(2, 3, 1, 0).reshape(-1, module.out_channels)
    return Layer("convolution", geometry(module), (matrix, bias(module, module.out_channels)))


def transposed(module: nn.ConvTranspose2d, _: int) -> Layer:
    """A patch, (row, column, channel), of each pixel."""
    matrix = module.weight.permute(0, 2, 3, 1).reshape(module.in_channels, -1)
    return Layer("transposed", geometry(module), (matrix, bias(module, module.out_channels)))


def geometry(module: nn.Conv2d | nn.ConvTranspose2d) -> dict[str, int]:
    """What patches a convolution takes or gives; raises NotImplementedError where it is no common one."""
    sizes = {"kernel": module.kernel_size, "stride": module.stride, "padding": module.padding}
    plain = {name: size[0] for name, size in sizes.items() if isinstance(size, tuple) and len(set(size)) == 1}
    common = module.groups == 1 and set(module.dilation) == {1} and module.padding_mode == "zeros"
    if len(plain) < len(sizes) or not common or any(module.output_padding):
        raise NotImplementedError(f"the explorer computes common, square convolutions alone, not {module}")
    return {**plain, "in": module.in_channels, "out": module.out_channels}


def bias(module: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, outputs: int) -> Tensor:
    """What is added to each output or channel, (out,)."""
    return torch.zeros(outputs) if module.bias is None else module.bias


def flatten(_: nn.Flatten, channels: int) -> Layer:
    """A picture as numbers, channel by channel."""
    return Layer("flatten", {"channels": channels})


def unflatten(module: nn.Unflatten, _: int) -> Layer:
    """Numbers as a picture, channel by channel."""
    return Layer("unflatten", {"channels": int(module.unflattened_size[0])})


def relu(_: nn.ReLU, __: int) -> Layer:
    """What is negative is zero."""
    return Layer("relu")


def tanh(_: nn.Tanh, __: int) -> Layer:
    """What is large is 1 or -1."""
    return Layer("tanh")


READERS: dict[type[nn.Module], Callable[[Any, int], Layer]] = {
    nn.Linear: dense,
    nn.Conv2d: convolution,
    Down: convolution,
    nn.ConvTranspose2d: transposed,
    Up: transposed,
    nn.Flatten: flatten,
    nn.Unflatten: unflatten,
    nn.ReLU: relu,
    nn.Tanh: tanh,
}
