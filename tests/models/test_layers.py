"""The fast convolutions, against torch's own."""

import pytest
import torch
from torch import nn

from bvae_cli.models.layers import DownsamplingConv, UpsamplingConv, conv_transpose_2x

CHANNELS = [(32, 1), (5, 3), (4, 4), (6, 8)]


def twin(layer: nn.Module, plain: nn.Module) -> nn.Module:
    """A layer of torch's with the weights of ours."""
    plain.load_state_dict(layer.state_dict())
    return plain.double()


def compare(ours: nn.Module, plain: nn.Module, images: torch.Tensor) -> None:
    """The same values, the same gradients, in float64."""
    results = []
    for layer in (ours.double(), plain):
        start = images.clone().requires_grad_()
        out = layer(start)
        weigh = torch.linspace(-1, 1, out.numel(), dtype=torch.float64).view(out.shape)
        results.append([out, *torch.autograd.grad((out * weigh).sum(), [start, *layer.parameters()])])
    for one, other in zip(*results, strict=True):
        assert torch.allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("channels_in", "channels_out"), CHANNELS)
def test_up_is_the_transposed_convolution(channels_in: int, channels_out: int) -> None:
    ours = UpsamplingConv(channels_in, channels_out)
    plain = twin(ours, nn.ConvTranspose2d(channels_in, channels_out, 4, stride=2, padding=1))
    compare(ours, plain, torch.randn(3, channels_in, 8, 8, dtype=torch.float64))


@pytest.mark.parametrize("channels", [1, 3, 32])
@pytest.mark.parametrize("kernel", [2, 4])
def test_down_is_the_convolution(channels: int, kernel: int) -> None:
    ours = DownsamplingConv(channels, 5, kernel)
    plain = twin(ours, nn.Conv2d(channels, 5, kernel, stride=2, padding=(kernel - 1) // 2))
    compare(ours, plain, torch.randn(3, channels, 8, 8, dtype=torch.float64))


def test_the_gradient_of_doubling_is_that_of_finite_differences() -> None:
    images = torch.randn(2, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(conv_transpose_2x, (images, weight))


def test_a_layout_makes_no_difference() -> None:
    layer, images = UpsamplingConv(8, 1), torch.randn(2, 8, 4, 4)
    assert torch.equal(layer(images), layer(images.to(memory_format=torch.channels_last)))


@pytest.mark.parametrize(
    "layer", [UpsamplingConv(8, 1), UpsamplingConv(8, 8), DownsamplingConv(1, 8), DownsamplingConv(8, 8)]
)
def test_bfloat16_gives_bfloat16(layer: nn.Module) -> None:
    images = torch.randn(2, next(layer.parameters()).shape[0 if isinstance(layer, UpsamplingConv) else 1], 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(images.bfloat16()).dtype == torch.bfloat16
