"""The fast layers compared with torch's."""

import pytest
import torch
from torch import nn

from bvae_cli.models.layers import (
    Conv2x,
    DownsamplingConv,
    Float32Linear,
    UpsamplingConv,
    add_patches,
    conv_transpose_2x,
    multiply_patches,
    weight_gradient,
)

CHANNELS = [(32, 1), (5, 3), (4, 4), (6, 8)]


def twin(layer: nn.Module, plain: nn.Module) -> nn.Module:
    """Return a layer of torch's with the weights of ours."""
    plain.load_state_dict(layer.state_dict())
    return plain.double()


def compare(ours: nn.Module, plain: nn.Module, images: torch.Tensor) -> None:
    """Assert equal values and gradients in float64."""
    results = []
    for layer in (ours.double(), plain):
        start = images.clone().requires_grad_()
        out = layer(start)
        weigh = torch.linspace(-1, 1, out.numel(), dtype=torch.float64).view(out.shape)
        results.append([out, *torch.autograd.grad((out * weigh).sum(), [start, *layer.parameters()])])
    for one, other in zip(*results, strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("channels_in", "channels_out"), CHANNELS)
def test_upsampling_equals_the_transposed_convolution(channels_in: int, channels_out: int) -> None:
    ours = UpsamplingConv(channels_in, channels_out)
    plain = twin(ours, nn.ConvTranspose2d(channels_in, channels_out, 4, stride=2, padding=1))
    compare(ours, plain, torch.randn(3, channels_in, 8, 8, dtype=torch.float64))


@pytest.mark.parametrize("channels", [1, 3, 32])
@pytest.mark.parametrize("kernel", [2, 4])
def test_downsampling_equals_the_convolution(channels: int, kernel: int) -> None:
    ours = DownsamplingConv(channels, 5, kernel)
    plain = twin(ours, nn.Conv2d(channels, 5, kernel, stride=2, padding=(kernel - 1) // 2))
    compare(ours, plain, torch.randn(3, channels, 8, 8, dtype=torch.float64))


def test_the_gradient_of_upsampling_equals_finite_differences() -> None:
    images = torch.randn(2, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(conv_transpose_2x, (images, weight))


def test_memory_format_does_not_change_the_result() -> None:
    layer, images = UpsamplingConv(8, 1), torch.randn(2, 8, 4, 4)
    assert torch.equal(layer(images), layer(images.to(memory_format=torch.channels_last)))


@pytest.mark.parametrize(
    "layer", [UpsamplingConv(8, 1), UpsamplingConv(8, 8), DownsamplingConv(1, 8), DownsamplingConv(8, 8)]
)
def test_bfloat16_input_gives_bfloat16_output(layer: nn.Module) -> None:
    images = torch.randn(2, next(layer.parameters()).shape[0 if isinstance(layer, UpsamplingConv) else 1], 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(images.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize(("channels_in", "channels_out"), [(1, 32), (3, 5), (32, 1)])
def test_products_of_patches_equal_the_convolutions(channels_in: int, channels_out: int) -> None:
    """The GPU's way to compute them, here on the CPU in float64."""
    large = torch.randn(3, channels_in, 8, 8, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(channels_out, channels_in, 4, 4, dtype=torch.float64, requires_grad=True)
    small = torch.nn.functional.conv2d(large, weight, stride=2, padding=1)
    gradient = torch.randn_like(small)
    by_large, by_weight = torch.autograd.grad(small, [large, weight], gradient)
    torch.testing.assert_close(multiply_patches(large, weight), small)
    torch.testing.assert_close(add_patches(gradient, weight), by_large)
    torch.testing.assert_close(weight_gradient(gradient, large, weight), by_weight)


def test_the_gradient_of_patch_products_can_be_differentiated_again() -> None:
    images = torch.randn(2, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 1, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Conv2x.apply, (images, weight))

    def r1(weight: torch.Tensor) -> torch.Tensor:
        products: torch.Tensor = Conv2x.apply(images, weight)  # type: ignore[no-untyped-call]
        (gradient,) = torch.autograd.grad(products.sin().sum(), images, create_graph=True)
        return gradient.square().sum()

    assert torch.autograd.gradcheck(r1, (weight,))


def test_a_float32_layer_keeps_means_apart_that_bfloat16_rounds_together() -> None:
    layer = Float32Linear(4, 1)
    inputs = torch.cat([torch.ones(100, 3), torch.linspace(0, 0.01, 100)[:, None]], dim=1)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = layer(inputs)
    assert outputs.dtype == torch.float32
    assert torch.equal(outputs, layer(inputs))
    assert len(outputs.unique()) > 90
