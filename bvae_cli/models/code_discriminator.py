"""The discriminator of FactorVAE: codes from q(z) against codes with independent latents."""

from torch import nn

HIDDEN, WIDTH, SLOPE = 6, 1000, 0.2


class CodeDiscriminator(nn.Sequential):
    """An MLP of six layers of 1000 leaky ReLUs, (batch, latent_dim) to (batch, 2) logits.

    The architecture is that of Kim & Mnih 2018, appendix A.
    """

    def __init__(self, latent_dim: int) -> None:
        widths = [latent_dim, *[WIDTH] * HIDDEN]
        layers = [nn.Linear(before, WIDTH) for before in widths[:-1]]
        hidden = [module for layer in layers for module in (layer, nn.LeakyReLU(SLOPE))]
        super().__init__(*hidden, nn.Linear(WIDTH, 2))
