"""Description of a net for nets.js: the kind of each layer, and its weights as a matrix from inputs to outputs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from bvae_cli.models.layers import Conv, DownsamplingConv, Float32Linear, TransposedConv, UpsamplingConv


@dataclass(frozen=True)
class LayerSpec:
    """A layer in the format of nets.js."""

    kind: str  # a key of LAYERS in nets.js
    shape: dict[str, int] = field(default_factory=dict)
    weights: tuple[Tensor, ...] = ()  # the matrix, (in, out), and the bias, (out,)


def describe_layers(net: nn.Module, channels: int) -> list[LayerSpec]:
    """Return the descriptions of the layers of a sequential net, in order.

    Args:
        net: an encoder or a decoder.
        channels: channels of the input image, if the input is an image.

    Raises:
        NotImplementedError: a layer is not supported by nets.js.
    """
    layers = []
    for module in net.children():
        convert = CONVERTERS.get(type(module))
        if convert is None:
            raise NotImplementedError(f"the explorer does not support {module}: add it to layers.py and to nets.js")
        layers.append(convert(module, channels))
        channels = getattr(module, "out_channels", channels)
    return layers


def dense(module: nn.Linear, _: int) -> LayerSpec:
    """Describe a fully connected layer."""
    return LayerSpec("dense", weights=(module.weight.T, bias_of(module, module.out_features)))


def convolution(module: nn.Conv2d, _: int) -> LayerSpec:
    """Describe a convolution; the matrix maps a patch, (row, column, channel), to an output pixel."""
    matrix = module.weight.permute(2, 3, 1, 0).reshape(-1, module.out_channels)
    return LayerSpec("convolution", conv_geometry(module), (matrix, bias_of(module, module.out_channels)))


def transposed_convolution(module: nn.ConvTranspose2d, _: int) -> LayerSpec:
    """Describe a transposed convolution; the matrix maps an input pixel to a patch, (row, column, channel)."""
    matrix = module.weight.permute(0, 2, 3, 1).reshape(module.in_channels, -1)
    return LayerSpec("transposed_convolution", conv_geometry(module), (matrix, bias_of(module, module.out_channels)))


def conv_geometry(module: nn.Conv2d | nn.ConvTranspose2d) -> dict[str, int]:
    """Return kernel size, stride, padding and channels of a convolution.

    Raises:
        NotImplementedError: it is not square, or has groups, dilation, output padding or another padding mode.
    """
    sizes = {"kernel": module.kernel_size, "stride": module.stride, "padding": module.padding}
    square = {name: size[0] for name, size in sizes.items() if isinstance(size, tuple) and len(set(size)) == 1}
    is_plain = module.groups == 1 and set(module.dilation) == {1} and module.padding_mode == "zeros"
    if len(square) < len(sizes) or not is_plain or any(module.output_padding):
        raise NotImplementedError(f"the explorer supports only plain square convolutions, not {module}")
    return {**square, "in": module.in_channels, "out": module.out_channels}


def bias_of(module: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, outputs: int) -> Tensor:
    """Return the bias of a layer, (out,); zeros if it has none."""
    return torch.zeros(outputs) if module.bias is None else module.bias


def flatten(_: nn.Flatten, channels: int) -> LayerSpec:
    """Describe the reshape of an image to a vector, channel by channel."""
    return LayerSpec("flatten", {"channels": channels})


def unflatten(module: nn.Unflatten, _: int) -> LayerSpec:
    """Describe the reshape of a vector to an image, channel by channel."""
    return LayerSpec("unflatten", {"channels": int(module.unflattened_size[0])})


def relu(_: nn.ReLU, __: int) -> LayerSpec:
    """Describe a ReLU."""
    return LayerSpec("relu")


def tanh(_: nn.Tanh, __: int) -> LayerSpec:
    """Describe a tanh."""
    return LayerSpec("tanh")


CONVERTERS: dict[type[nn.Module], Callable[[Any, int], LayerSpec]] = {
    nn.Linear: dense,
    Float32Linear: dense,
    nn.Conv2d: convolution,
    Conv: convolution,
    DownsamplingConv: convolution,
    nn.ConvTranspose2d: transposed_convolution,
    TransposedConv: transposed_convolution,
    UpsamplingConv: transposed_convolution,
    nn.Flatten: flatten,
    nn.Unflatten: unflatten,
    nn.ReLU: relu,
    nn.Tanh: tanh,
}
