"""Convolutions that halve and double the side of an image: torch's own weights and function, in less time.

On a CPU oneDNN wants the channels of a pixel side by side, and more than one of them. On a GPU cuDNN computes the
gradients of convolutions from and to few channels slowly; there they are products of matrices (Chellapilla et al. 2006,
"High performance convolutional neural networks for document processing").
"""

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional
from torch.nn.grad import conv2d_weight

FEW_CHANNELS = 4  # channels, from or to which convolutions are slow


class Float32Linear(nn.Linear):
    """A linear layer that computes in float32 under autocast too: the eight bits of bfloat16 are too few for a mean."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """(batch, in_features) of any dtype to (batch, out_features) of the weights' dtype."""
        kind = input.device.type
        if not torch.is_autocast_enabled(kind):
            return super().forward(input)
        with torch.autocast(kind, enabled=False):
            return super().forward(input.to(self.weight.dtype))


class DownsamplingConv(nn.Conv2d):
    """A convolution that halves both sides."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 4) -> None:
        super().__init__(channels_in, channels_out, kernel, stride=2, padding=(kernel - 1) // 2)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """(batch, channels_in, side, side) to (batch, channels_out, side / 2, side / 2)."""
        if not input.is_cuda or self.in_channels > FEW_CHANNELS or self.kernel_size != (4, 4):
            return super().forward(channels_last(input))
        images = input.to(autocast_dtype(input))
        halved: Tensor = Halving.apply(images, self.weight.to(images.dtype))  # type: ignore[no-untyped-call]
        return add_bias(halved, self.bias)


class UpsamplingConv(nn.ConvTranspose2d):
    """A transposed convolution that doubles both sides, of kernel 4."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 4, stride=2, padding=1)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:  # noqa: A002  # torch's name
        """(batch, channels_in, side, side) to (batch, channels_out, 2·side, 2·side)."""
        if self.out_channels <= FEW_CHANNELS:
            images = input.to(autocast_dtype(input))
            return add_bias(conv_transpose_2x(channels_last(images), self.weight.to(images.dtype)), self.bias)
        images = channels_last(input)
        if not images.is_cpu:
            return super().forward(images, output_size)
        weight = self.weight.to(images.dtype)
        return add_bias(functional.conv_transpose2d(images, weight, stride=2, padding=1), self.bias)


def add_bias(images: Tensor, bias: Tensor | None) -> Tensor:
    """Add a bias to each channel; in the convolution oneDNN takes longer over its gradient than over the weight's."""
    assert bias is not None
    return images + bias.to(images.dtype)[:, None, None]


def autocast_dtype(tensor: Tensor) -> torch.dtype:
    """The dtype that autocast gives the factors of products, where it is on."""
    kind = tensor.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else tensor.dtype


class Halving(torch.autograd.Function):
    """conv2d(·, ·, stride=2, padding=1) with a kernel of 4, by products of matrices."""

    generate_vmap_rule = True

    @staticmethod
    def forward(images: Tensor, weight: Tensor) -> Tensor:
        """(batch, channels_in, 2·side, 2·side) to (batch, channels_out, side, side)."""
        return multiply_patches(images, weight)

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        """Keep what the gradients are made of."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor | None, Tensor]:
        """The other way round; it can be differentiated again, as the penalty R1 wants."""
        (gradient,), (images, weight) = gradients, ctx.saved_tensors  # type: ignore[attr-defined]
        by_images = conv_transpose_2x(gradient, weight) if ctx.needs_input_grad[0] else None  # type: ignore[attr-defined]
        return by_images, weight_gradient(gradient, images, weight)


class ConvTranspose2x(torch.autograd.Function):
    """conv_transpose2d(·, ·, stride=2, padding=1) with a kernel of 4, by convolutions, or on a GPU by products."""

    generate_vmap_rule = True

    @staticmethod
    def forward(images: Tensor, weight: Tensor) -> Tensor:
        """(batch, channels_in, side, side) to (batch, channels_out, 2·side, 2·side)."""
        return subpixel_conv(images, weight) if images.is_cpu else add_patches(images, weight)

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        """Keep what the gradients are made of."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        """The other way round: a transposed convolution is the derivative of a convolution."""
        (gradient,), (images, weight) = gradients, ctx.saved_tensors  # type: ignore[attr-defined]
        if not gradient.is_cpu:
            return multiply_patches(gradient, weight), weight_gradient(images, gradient, weight)
        gradient = channels_last(gradient)
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


def multiply_patches(images: Tensor, weight: Tensor) -> Tensor:
    """conv2d(images, weight, stride=2, padding=1), weight being (channels_out, channels_in, 4, 4)."""
    batch, _, height, width = images.shape
    products = patches(images) @ weight.permute(2, 3, 1, 0).flatten(0, 2)  # (positions, channels_out)
    return products.view(batch, height // 2, width // 2, -1).permute(0, 3, 1, 2)


def add_patches(images: Tensor, weight: Tensor) -> Tensor:
    """conv_transpose2d(images, weight, stride=2, padding=1): a pixel becomes a 4 × 4 patch; overlapping ones add up."""
    batch, channels, side, _ = images.shape
    made = weight.flatten(1).mT @ images.reshape(batch, channels, -1)  # (batch, channels_out · 16, side · side)
    return functional.fold(made, (2 * side, 2 * side), 4, padding=1, stride=2)


def weight_gradient(small: Tensor, large: Tensor, weight: Tensor) -> Tensor:
    """The gradient of a weight that makes the small images of the large ones, or the large of the small."""
    products = small.permute(0, 2, 3, 1).flatten(0, 2).mT @ patches(large)  # (channels of small, 16 · those of large)
    return products.view(weight.shape[0], 4, 4, weight.shape[1]).permute(0, 3, 1, 2)


def patches(images: Tensor) -> Tensor:
    """(batch · side/2 · side/2, 16 · channels): what each position of a 4 × 4 kernel of stride 2, padding 1 sees."""
    padded = functional.pad(images, (1, 1, 1, 1))
    windows = padded.unfold(2, 4, 2).unfold(3, 4, 2)  # (batch, channels, side / 2, side / 2, 4, 4)
    return windows.permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(0, 2)


def channels_last(images: Tensor) -> Tensor:
    """The same in channels_last; where there is one channel, only these strides tell oneDNN so."""
    batch, channels, height, width = images.shape
    flat = images.permute(0, 2, 3, 1).reshape(-1)
    return flat.view(batch, height, width, channels).permute(0, 3, 1, 2)
