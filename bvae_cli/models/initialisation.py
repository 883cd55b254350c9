"""What the weights of a net are before its first step.

Where they are small, as torch makes them, a signal loses six tenths of its size in each layer. That is slow, and lets
factors come one by one; but a stiff objective, like that of Burgess et al. 2018 with γ = 1000, takes from such an
encoder what little it tells before it has begun to learn.
"""

from collections.abc import Callable

from torch import nn

WeightLayer = nn.Linear | nn.Conv2d | nn.ConvTranspose2d


def pytorch_default(layer: WeightLayer) -> None:
    """As torch makes them: weights and biases uniform, of variance 1 / (3 · inputs)."""


def kaiming_normal(layer: WeightLayer) -> None:
    """Normal, of variance 2 / inputs (He et al. 2015, equation 10), without bias; transposed convolutions as torch's.

    So 1Konny's Beta-VAE begins.
    """
    if not isinstance(layer, nn.ConvTranspose2d):
        nn.init.kaiming_normal_(layer.weight)
        zero_bias(layer)


def kaiming_uniform(layer: WeightLayer) -> None:
    """Uniform, of the same variance; biases as torch's. So YannDubs's disentangling-vae begins."""
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")


def xavier_uniform(layer: WeightLayer) -> None:
    """Uniform, of variance 2 / (inputs + outputs) (Glorot & Bengio 2010, equation 16), without bias.

    So TensorFlow's layers begin, and with them the nets of Locatello et al. 2019.
    """
    nn.init.xavier_uniform_(layer.weight)
    zero_bias(layer)


def zero_bias(layer: WeightLayer) -> None:
    """Begin at 0."""
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


INITIALISATIONS: dict[str, Callable[[WeightLayer], None]] = {
    "pytorch_default": pytorch_default,
    "kaiming_normal": kaiming_normal,
    "kaiming_uniform": kaiming_uniform,
    "xavier_uniform": xavier_uniform,
}


def initialise(net: nn.Module, how: str) -> None:
    """Give each layer of a net the weights of a table's word, from torch's generator."""
    for layer in net.modules():
        if isinstance(layer, WeightLayer):
            INITIALISATIONS[how](layer)
