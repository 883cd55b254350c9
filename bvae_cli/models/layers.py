"""Layers with the weights and results of PyTorch's, but faster: strided convolutions, and a float32 linear layer.

On a CPU, oneDNN is fast for channels_last tensors with several channels. On a GPU, cuDNN is slow at the gradients of
convolutions from or to few channels; these are computed as matrix products of image patches (Chellapilla et al. 2006,
"High performance convolutional neural networks for document processing").
"""

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn import functional
from torch.nn.grad import conv2d_weight

FEW_CHANNELS = 4  # with so many input or output channels, or fewer, the libraries' convolutions are slow


class Float32Linear(nn.Linear):
    """A linear layer computed in float32 also under autocast, because 8 bits of bfloat16 are too few for a mean."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Return (batch, out_features) in the weights' dtype from (batch, in_features) of any dtype."""
        kind = input.device.type
        if not torch.is_autocast_enabled(kind):
            return super().forward(input)
        with torch.autocast(kind, enabled=False):
            return super().forward(input.to(self.weight.dtype))


class Conv(nn.Conv2d):
    """A convolution that follows autocast under `torch.vmap` too, where PyTorch's does not."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Return (batch, channels_out, …) in autocast's dtype from (batch, channels_in, side, side)."""
        images = input.to(autocast_dtype(input))
        weight, bias = parameters_as(self, images.dtype)
        return functional.conv2d(images, weight, bias, self.stride, self.padding)


class TransposedConv(nn.ConvTranspose2d):
    """A transposed convolution that follows autocast under `torch.vmap` too, where PyTorch's does not."""

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:  # noqa: A002  # torch's name
        """Return (batch, channels_out, …) in autocast's dtype from (batch, channels_in, side, side)."""
        images = input.to(autocast_dtype(input))
        weight, bias = parameters_as(self, images.dtype)
        return functional.conv_transpose2d(images, weight, bias, self.stride, self.padding)  # type: ignore[arg-type]


class DownsamplingConv(Conv):
    """A convolution with stride 2, which halves the side of an image."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int = 4) -> None:
        super().__init__(channels_in, channels_out, kernel, stride=2, padding=(kernel - 1) // 2)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Return (batch, channels_out, side / 2, side / 2) from (batch, channels_in, side, side)."""
        if not input.is_cuda or self.in_channels > FEW_CHANNELS or self.kernel_size != (4, 4):
            return super().forward(channels_last(input))
        images = input.to(autocast_dtype(input))
        weight, bias = parameters_as(self, images.dtype)
        halved: Tensor = Conv2x.apply(images, weight)  # type: ignore[no-untyped-call]
        return halved + bias[:, None, None]


class UpsamplingConv(TransposedConv):
    """A transposed convolution with kernel 4 and stride 2, which doubles the side of an image."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(channels_in, channels_out, 4, stride=2, padding=1)

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:  # noqa: A002  # torch's name
        """Return (batch, channels_out, 2·side, 2·side) from (batch, channels_in, side, side)."""
        images = channels_last(input.to(autocast_dtype(input)))
        weight, bias = parameters_as(self, images.dtype)
        if self.out_channels <= FEW_CHANNELS:
            doubled = conv_transpose_2x(images, weight)
        else:
            doubled = functional.conv_transpose2d(images, weight, stride=2, padding=1)
        # Outside the convolution, because oneDNN is slower at the gradient of a bias than at that of a weight.
        return doubled + bias[:, None, None]


def parameters_as(layer: Conv | TransposedConv, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return the weight and the bias of a layer in a dtype."""
    assert layer.bias is not None
    return layer.weight.to(dtype), layer.bias.to(dtype)


def autocast_dtype(tensor: Tensor) -> torch.dtype:
    """Return the dtype that autocast gives to the operands of products, or the tensor's own if it is off."""
    kind = tensor.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else tensor.dtype


class Conv2x(torch.autograd.Function):
    """conv2d(images, weight, stride=2, padding=1) with a kernel of 4, by matrix products."""

    generate_vmap_rule = True

    @staticmethod
    def forward(images: Tensor, weight: Tensor) -> Tensor:
        """Return (batch, channels_out, side, side) from (batch, channels_in, 2·side, 2·side)."""
        return multiply_patches(images, weight)

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        """Save what the gradients depend on."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor | None, Tensor]:
        """Return the gradients; they can be differentiated again, as the R1 penalty requires."""
        (gradient,), (images, weight) = gradients, ctx.saved_tensors  # type: ignore[attr-defined]
        by_images = conv_transpose_2x(gradient, weight) if ctx.needs_input_grad[0] else None  # type: ignore[attr-defined]
        return by_images, weight_gradient(gradient, images, weight)


class ConvTranspose2x(torch.autograd.Function):
    """conv_transpose2d(images, weight, stride=2, padding=1), kernel 4: by convolutions, on a GPU by products."""

    generate_vmap_rule = True

    @staticmethod
    def forward(images: Tensor, weight: Tensor) -> Tensor:
        """Return (batch, channels_out, 2·side, 2·side) from (batch, channels_in, side, side)."""
        return subpixel_conv(images, weight) if images.is_cpu else add_patches(images, weight)

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        """Save what the gradients depend on."""
        ctx.save_for_backward(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients, which are convolutions."""
        (gradient,), (images, weight) = gradients, ctx.saved_tensors  # type: ignore[attr-defined]
        if not gradient.is_cpu:
            return multiply_patches(gradient, weight), weight_gradient(images, gradient, weight)
        gradient = channels_last(gradient)
        return (
            functional.conv2d(gradient, weight, stride=2, padding=1),
            conv2d_weight(gradient, weight.shape, images, stride=2, padding=1),  # type: ignore[no-untyped-call]
        )


def conv_transpose_2x(images: Tensor, weight: Tensor) -> Tensor:
    """Return conv_transpose2d(images, weight, stride=2, padding=1) with a kernel of 4, fast for few output channels."""
    doubled: Tensor = ConvTranspose2x.apply(images, weight)  # type: ignore[no-untyped-call]
    return doubled


def subpixel_conv(images: Tensor, weight: Tensor) -> Tensor:
    """Return the transposed convolution as a 2 × 2 convolution to four times the channels, rearranged into pixels.

    Shi et al. 2016 (arXiv 1609.07009) show that the two are equal.
    """
    batch, channels_in, side, _ = images.shape
    channels_out = weight.shape[1]
    taps = weight.view(channels_in, channels_out, 2, 2, 2, 2).flip(2, 4)  # (…, tap, row phase, tap, column phase)
    phases = taps.permute(3, 5, 1, 0, 2, 4).reshape(4 * channels_out, channels_in, 2, 2)
    pixels = functional.conv2d(images, phases, padding=1).permute(0, 2, 3, 1)  # (batch, side + 1, side + 1, 4·out)
    interleaved = pixels.view(batch, side + 1, side + 1, 2, 2, channels_out).transpose(2, 3)
    doubled = interleaved.reshape(batch, 2 * side + 2, 2 * side + 2, channels_out)
    return doubled[:, 1:-1, 1:-1].permute(0, 3, 1, 2)


def multiply_patches(images: Tensor, weight: Tensor) -> Tensor:
    """Return conv2d(images, weight, stride=2, padding=1), with weight (channels_out, channels_in, 4, 4)."""
    batch, _, height, width = images.shape
    products = patches(images) @ weight.permute(2, 3, 1, 0).flatten(0, 2)  # (positions, channels_out)
    return products.view(batch, height // 2, width // 2, -1).permute(0, 3, 1, 2)


def add_patches(images: Tensor, weight: Tensor) -> Tensor:
    """Return conv_transpose2d(images, weight, stride=2, padding=1) as a sum of overlapping 4 × 4 patches."""
    batch, channels, side, _ = images.shape
    products = weight.flatten(1).mT @ images.reshape(batch, channels, -1)  # (batch, channels_out · 16, side · side)
    return functional.fold(products, (2 * side, 2 * side), 4, padding=1, stride=2)


def weight_gradient(small: Tensor, large: Tensor, weight: Tensor) -> Tensor:
    """Return the gradient of the weight of a convolution from `large` to `small`, or of its transpose."""
    products = small.permute(0, 2, 3, 1).flatten(0, 2).mT @ patches(large)  # (channels of small, 16 · those of large)
    return products.view(weight.shape[0], 4, 4, weight.shape[1]).permute(0, 3, 1, 2)


def patches(images: Tensor) -> Tensor:
    """Return the patches under a 4 × 4 kernel with stride 2 and padding 1: (batch · side/2 · side/2, 16 · channels)."""
    padded = functional.pad(images, (1, 1, 1, 1))
    windows = padded.unfold(2, 4, 2).unfold(3, 4, 2)  # (batch, channels, side / 2, side / 2, 4, 4)
    return windows.permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(0, 2)


def channels_last(images: Tensor) -> Tensor:
    """Return the images in channels_last, with strides that oneDNN recognises also for a single channel."""
    batch, channels, height, width = images.shape
    flat = images.permute(0, 2, 3, 1).reshape(-1)
    return flat.view(batch, height, width, channels).permute(0, 3, 1, 2)
