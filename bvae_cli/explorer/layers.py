"""A net as nets.js computes it: what each layer is, and its weights as a matrix from what goes in to what comes out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from bvae_cli.models.layers import DownsamplingConv, UpsamplingConv


@dataclass(frozen=True)
class LayerSpec:
    """A layer as nets.js knows it."""

    kind: str
    shape: dict[str, int] = field(default_factory=dict)
    weights: tuple[Tensor, ...] = ()  # the matrix, (in, out), and the bias, (out,)


def describe_layers(net: nn.Module, channels: int) -> list[LayerSpec]:
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


def dense(module: nn.Linear, _: int) -> LayerSpec:
    """Each number of all."""
    return LayerSpec("dense", weights=(module.weight.T, bias_of(module, module.out_features)))


def convolution(module: nn.Conv2d, _: int) -> LayerSpec:
    """Each pixel of a patch, (row, column, channel)."""
    matrix = module.weight.permute(2, 3, 1, 0).reshape(-1, module.out_channels)
    return LayerSpec("convolution", conv_geometry(module), (matrix, bias_of(module, module.out_channels)))


def transposed(module: nn.ConvTranspose2d, _: int) -> LayerSpec:
    """A patch, (row, column, channel), of each pixel."""
    matrix = module.weight.permute(0, 2, 3, 1).reshape(module.in_channels, -1)
    return LayerSpec("transposed", conv_geometry(module), (matrix, bias_of(module, module.out_channels)))


def conv_geometry(module: nn.Conv2d | nn.ConvTranspose2d) -> dict[str, int]:
    """What patches a convolution takes or gives; raises NotImplementedError where it is no common one."""
    sizes = {"kernel": module.kernel_size, "stride": module.stride, "padding": module.padding}
    plain = {name: size[0] for name, size in sizes.items() if isinstance(size, tuple) and len(set(size)) == 1}
    common = module.groups == 1 and set(module.dilation) == {1} and module.padding_mode == "zeros"
    if len(plain) < len(sizes) or not common or any(module.output_padding):
        raise NotImplementedError(f"the explorer computes common, square convolutions alone, not {module}")
    return {**plain, "in": module.in_channels, "out": module.out_channels}


def bias_of(module: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, outputs: int) -> Tensor:
    """What is added to each output or channel, (out,)."""
    return torch.zeros(outputs) if module.bias is None else module.bias


def flatten(_: nn.Flatten, channels: int) -> LayerSpec:
    """A picture as numbers, channel by channel."""
    return LayerSpec("flatten", {"channels": channels})


def unflatten(module: nn.Unflatten, _: int) -> LayerSpec:
    """Numbers as a picture, channel by channel."""
    return LayerSpec("unflatten", {"channels": int(module.unflattened_size[0])})


def relu(_: nn.ReLU, __: int) -> LayerSpec:
    """What is negative is zero."""
    return LayerSpec("relu")


def tanh(_: nn.Tanh, __: int) -> LayerSpec:
    """What is large is 1 or -1."""
    return LayerSpec("tanh")


READERS: dict[type[nn.Module], Callable[[Any, int], LayerSpec]] = {
    nn.Linear: dense,
    nn.Conv2d: convolution,
    DownsamplingConv: convolution,
    nn.ConvTranspose2d: transposed,
    UpsamplingConv: transposed,
    nn.Flatten: flatten,
    nn.Unflatten: unflatten,
    nn.ReLU: relu,
    nn.Tanh: tanh,
}
