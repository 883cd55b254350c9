"""Convolutions that halve and double the side of a picture: torch's own weights and function, in less time.

On a processor oneDNN wants the channels of a pixel side by side, and more than one of them.
"""

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional
from torch.nn.grad import conv2d_weight

FEW_CHANNELS = 4  # channels, for which a transposed convolution crawls


class DownsamplingConv(nn.Conv2d):
    """A convolution that halves both sides."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 4) -> None:
        super().__init__(channels_in, channels_out, kernel, stride=2, padding=(kernel - 1) // 2)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """(batch, channels_in, side, side) to (batch, channels_out, side / 2, side / 2)."""
        return super().forward(channels_last(input))


class UpsamplingConv(nn.ConvTranspose2d):
    """A transposed convolution that doubles both sides, of kernel 4."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 4, stride=2, padding=1)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:  # noqa: A002  # torch's name
        """(batch, channels_in, side, side) to (batch, channels_out, 2·side, 2·side)."""
        images = channels_last(input)
        if not images.is_cpu or self.bias is None:
            return super().forward(images, output_size)
        weight = self.weight.to(images.dtype)
        if self.out_channels <= FEW_CHANNELS:
            doubled = conv_transpose_2x(images, weight)
        else:
            doubled = functional.conv_transpose2d(images, weight, stride=2, padding=1)
        # Outside of the convolution, in which oneDNN takes longer over the bias's gradient than over the weight's.
        return doubled + self.bias.to(doubled.dtype)[:, None, None]


class ConvTranspose2x(torch.autograd.Function):
    """conv_transpose2d(·, ·, stride=2, padding=1) with a kernel of 4, by convolutions that go forward."""

    generate_vmap_rule = True

    @staticmethod
    def forward(images: Tensor, weight: Tensor) -> Tensor:
        """(batch, channels_in, side, side) to (batch, channels_out, 2·side, 2·side)."""
        return subpixel_conv(images, weight)

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        """Keep what the gradients are made of."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        """The other way round: a transposed convolution is the derivative of a convolution."""
        (gradient,), (images, weight) = map(channels_last, gradients), ctx.saved_tensors  # type: ignore[attr-defined]
        return (
            functional.conv2d(gradient, weight, stride=2, padding=1),
            conv2d_weight(gradient, weight.shape, images, stride=2, padding=1),  # type: ignore[no-untyped-call]
        )


def conv_transpose_2x(images: Tensor, weight: Tensor) -> Tensor:
    """conv_transpose2d(images, weight, stride=2, padding=1) with a kernel of 4, fast where it gives few channels."""
    doubled: Tensor = ConvTranspose2x.apply(images, weight)  # type: ignore[no-untyped-call]
    return doubled


def subpixel_conv(images: Tensor, weight: Tensor) -> Tensor:
    """Each of the four pixels that one becomes is a 2 × 2 convolution of its own: all four at once, then woven.

    After Shi et al. 2016 (arXiv 1609.07009), who show that the two are one and the same.
    """
    batch, channels_in, side, _ = images.shape
    channels_out = weight.shape[1]
    taps = weight.view(channels_in, channels_out, 2, 2, 2, 2).flip(2, 4)  # (…, tap, row of the four, tap, column)
    four = taps.permute(3, 5, 1, 0, 2, 4).reshape(4 * channels_out, channels_in, 2, 2)
    pixels = functional.conv2d(images, four, padding=1).permute(0, 2, 3, 1)  # (batch, side + 1, side + 1, 4·out)
    woven = pixels.view(batch, side + 1, side + 1, 2, 2, channels_out).transpose(2, 3)
    doubled = woven.reshape(batch, 2 * side + 2, 2 * side + 2, channels_out)
    return doubled[:, 1:-1, 1:-1].permute(0, 3, 1, 2)


def channels_last(images: Tensor) -> Tensor:
    """The same in channels_last; where there is one channel, only these strides tell oneDNN so."""
    batch, channels, height, width = images.shape
    flat = images.permute(0, 2, 3, 1).reshape(-1)
    return flat.view(batch, height, width, channels).permute(0, 3, 1, 2)
