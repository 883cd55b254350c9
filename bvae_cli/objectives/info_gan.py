"""InfoGAN: pictures that a discriminator does not tell from the data's, and whose codes can be told from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from bvae_cli.objectives.objective import Objective, Rival, Step
from bvae_cli.objectives.schedule import Knob
from bvae_cli.system.checks import at_least

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bvae_cli.models.vae import VAE, ForwardPass

PENALTY = 10.0  # weight of R1, as in Mescheder et al. 2018


@dataclass(frozen=True)
class InfoGan(Objective):
    """−ln D(G(c)) − λ·Σ_j ln Q(c_j given G(c)), c ~ N(0, I) (Chen et al. 2016, equation 6).

    The decoder is the generator G, the encoder is Q; no picture of the data teaches either but through D, which tells
    the data's pictures from those made, and sees all of them through noise (Sønderby et al. 2017). Every latent is a
    code that Q is to tell; none is noise of the generator alone. The first term is the one that does not saturate
    (Goodfellow et al. 2014, section 3). Reconstruction and KL, which no loss contains, are those of the autoencoder
    that Q and G come to: they say how well the data's pictures can be told and made.
    """

    lambda_info: Annotated[Knob, "Weight λ of the information of codes and pictures."] = 1.0
    discriminator_rate: Annotated[Knob, "Size of a step of the discriminator."] = 2e-4
    grain: Annotated[Knob, "Standard deviation of the noise through which the discriminator sees pixels."] = 0.1

    betas: ClassVar[tuple[float, float]] = (0.5, 0.999)  # Radford et al. 2016, section 4
    # To the variance 2 / inputs (He et al. 2015, section 2.2). Torch gives a sixth of it: with that all codes make one
    # picture at first, and a discriminator leaves it at that.
    gain: ClassVar[float] = 6**0.5
    grains: ClassVar[int] = 2

    def __post_init__(self) -> None:
        at_least(self, 0, "lambda_info", "discriminator_rate", "grain")

    def forward(self, vae: VAE, images: Tensor, noise: Tensor, step: Step) -> ForwardPass:
        """Make pictures of the noise as their codes, and tell these; the autoencoder is run but to be watched."""
        import torch

        from bvae_cli.models.generation import Generation

        made = vae.decode(noise)
        told = vae.encode(made)
        seen = [pictures + step["grain"] * grain for pictures, grain in zip((images, made), step.grains, strict=True)]
        with torch.no_grad():  # last: weights in bfloat16 are kept from their first use on, with their gradients or not
            watched = vae(images, noise)
        return Generation(**vars(watched), real=seen[0], made=seen[1], told_mean=told[0], told_logvar=told[1])

    def __call__(self, out: ForwardPass, step: Step) -> Tensor:
        """The loss of G and Q: a scalar, nats an image."""
        from torch.nn.functional import softplus

        from bvae_cli.models.gaussian import log_density
        from bvae_cli.models.generation import Generation

        assert isinstance(out, Generation)
        (discriminator,) = step.nets
        found_out: Tensor = softplus(-discriminator(out.made).float()).mean()
        untold = -log_density(out.noise, out.told_mean, out.told_logvar).sum(dim=1).mean()
        return found_out + step["lambda_info"] * untold

    def rivals(self, latent_dim: int, channels: int) -> Sequence[Rival]:
        """The discriminator."""
        from bvae_cli.models.picture_discriminator import PictureDiscriminator

        return [Rival(PictureDiscriminator(channels), telling_apart, "discriminator_rate", self.betas)]


def telling_apart(discriminator: nn.Module, out: ForwardPass) -> Tensor:
    """The cross-entropy, nats, of telling the data's pictures from those made, and the penalty R1.

    R1 is half of `PENALTY` times the squared gradient of the logit by a picture of the data (Mescheder et al. 2018,
    equation 9); without it the discriminator is soon so sure that the generator learns nothing more.
    """
    import torch
    from torch.nn.functional import softplus

    from bvae_cli.models.generation import Generation

    assert isinstance(out, Generation)

    def logits(pictures: Tensor) -> tuple[Tensor, Tensor]:
        told = discriminator(pictures).float()
        return told.sum(), told

    gradient: Tensor
    gradient, real = torch.func.grad(logits, has_aux=True)(out.real.detach())
    made = discriminator(out.made.detach()).float()
    entropy: Tensor = (softplus(-real).mean() + softplus(made).mean()) / 2
    return entropy + PENALTY / 2 * gradient.square().sum(dim=(1, 2, 3)).mean()
