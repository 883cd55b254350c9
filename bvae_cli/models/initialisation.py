"""Weight initialisation.

PyTorch's default weights are small: a signal loses six tenths of its magnitude in each layer. Training is then slow,
and factors are learned one by one. A strong regulariser, such as that of Burgess et al. 2018 with γ = 1000, then
causes posterior collapse: it suppresses the little information that the encoder carries before anything is learned.

fan_in and fan_out are PyTorch's. For a transposed convolution PyTorch's fan_in is out_channels · kernel², although each
of its outputs sums over in_channels · kernel² / stride² inputs.
"""

from collections.abc import Callable

from torch import nn

WeightLayer = nn.Linear | nn.Conv2d | nn.ConvTranspose2d


def pytorch_default(layer: WeightLayer) -> None:
    """Keep PyTorch's default: weights and biases uniform, variance 1 / (3 · fan_in)."""


def kaiming_normal(layer: WeightLayer) -> None:
    """Draw weights from a normal of variance 2 / fan_in (He et al. 2015, equation 10), and set biases to 0.

    Transposed convolutions keep PyTorch's default. 1Konny's Beta-VAE is initialised in this way.
    """
    if not isinstance(layer, nn.ConvTranspose2d):
        nn.init.kaiming_normal_(layer.weight)
        zero_bias(layer)


def kaiming_uniform(layer: WeightLayer) -> None:
    """Draw weights from a uniform of variance 2 / fan_in, and keep PyTorch's default biases.

    YannDubs's disentangling-vae is initialised in this way.
    """
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")


def xavier_uniform(layer: WeightLayer) -> None:
    """Draw weights from a uniform of variance 2 / (fan_in + fan_out), and set biases to 0.

    This is Glorot & Bengio 2010, equation 16: TensorFlow's default, hence that of the nets of Locatello et al. 2019.
    """
    nn.init.xavier_uniform_(layer.weight)
    zero_bias(layer)


def zero_bias(layer: WeightLayer) -> None:
    """Set the bias to 0, if there is one."""
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


INITIALISATIONS: dict[str, Callable[[WeightLayer], None]] = {
    "pytorch_default": pytorch_default,
    "kaiming_normal": kaiming_normal,
    "kaiming_uniform": kaiming_uniform,
    "xavier_uniform": xavier_uniform,
}


def initialise(net: nn.Module, method: str) -> None:
    """Initialise each weight layer of a net by a method of `INITIALISATIONS`, from torch's global generator."""
    for layer in net.modules():
        if isinstance(layer, WeightLayer):
            INITIALISATIONS[method](layer)
