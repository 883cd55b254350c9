"""InfoGAN: pictures that a discriminator does not tell from the data's, and whose codes can be told from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from bvae_cli.objectives.objective import AuxiliaryNet, Objective, StepContext
from bvae_cli.objectives.schedule import Schedule
from bvae_cli.system.checks import require_at_least

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bvae_cli.models.vae import VAE, ForwardPass

R1_WEIGHT = 10.0  # weight of R1, as in Mescheder et al. 2018


@dataclass(frozen=True)
class InfoGAN(Objective):
    """−ln D(G(c)) − λ·Σ_j ln Q(c_j given G(c)), c ~ N(0, I) (Chen et al. 2016, equation 6).

    The decoder is the generator G, the encoder is Q; no picture of the data teaches either but through D, which tells
    the data's pictures from those made, and sees all of them through noise (Sønderby et al. 2017). Every latent is a
    code that Q is to tell; none is noise of the generator alone. The first term is the one that does not saturate
    (Goodfellow et al. 2014, section 3). Reconstruction and KL, which no loss contains, are those of the autoencoder
    that Q and G come to: they say how well the data's pictures can be told and made.
    """

    lambda_info: Annotated[Schedule, "Weight λ of the information of codes and pictures."] = 1.0
    discriminator_lr: Annotated[Schedule, "Size of a step of the discriminator."] = 2e-4
    instance_noise: Annotated[
        Schedule, "Standard deviation of the noise through which the discriminator sees pixels."
    ] = 0.1

    adam_betas: ClassVar[tuple[float, float]] = (0.5, 0.999)  # Radford et al. 2016, section 4
    # To the variance 2 / inputs (He et al. 2015, section 2.2). Torch gives a sixth of it: with that all codes make one
    # picture at first, and a discriminator leaves it at that.
    init_gain: ClassVar[float] = 6**0.5
    pixel_noise_samples: ClassVar[int] = 2

    def __post_init__(self) -> None:
        require_at_least(self, 0, "lambda_info", "discriminator_lr", "instance_noise")

    def forward(self, vae: VAE, images: Tensor, noise: Tensor, step: StepContext) -> ForwardPass:
        """Make pictures of the noise as their codes, and tell these; the autoencoder is run but to be watched."""
        import torch

        from bvae_cli.models.gan_forward_pass import GanForwardPass

        generated = vae.decode(noise)
        posterior = vae.encode(generated)
        noisy = [
            images + step["instance_noise"] * pixel_noise
            for images, pixel_noise in zip((images, generated), step.pixel_noise, strict=True)
        ]
        with torch.no_grad():  # last: weights in bfloat16 are kept from their first use on, with their gradients or not
            autoencoder_pass = vae(images, noise)
        return GanForwardPass(
            **vars(autoencoder_pass),
            real=noisy[0],
            generated=noisy[1],
            inferred_mean=posterior[0],
            inferred_logvar=posterior[1],
        )

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """The loss of G and Q: a scalar, nats an image."""
        from torch.nn.functional import softplus

        from bvae_cli.models.gan_forward_pass import GanForwardPass
        from bvae_cli.models.gaussian import log_density

        assert isinstance(out, GanForwardPass)
        (discriminator,) = step.auxiliary_nets
        generator_loss: Tensor = softplus(-discriminator(out.generated).float()).mean()
        code_nll = -log_density(out.noise, out.inferred_mean, out.inferred_logvar).sum(dim=1).mean()
        return generator_loss + step["lambda_info"] * code_nll

    def auxiliary_nets(self, latent_dim: int, channels: int) -> Sequence[AuxiliaryNet]:
        """The discriminator."""
        from bvae_cli.models.image_discriminator import ImageDiscriminator

        return [AuxiliaryNet(ImageDiscriminator(channels), discriminator_loss, "discriminator_lr", self.adam_betas)]


def discriminator_loss(discriminator: nn.Module, out: ForwardPass) -> Tensor:
    """The cross-entropy, nats, of telling the data's pictures from those made, and the penalty R1.

    R1 is half of `R1_WEIGHT` times the squared gradient of the logit by a picture of the data (Mescheder et al. 2018,
    equation 9); without it the discriminator is soon so sure that the generator learns nothing more.
    """
    import torch
    from torch.nn.functional import softplus

    from bvae_cli.models.gan_forward_pass import GanForwardPass

    assert isinstance(out, GanForwardPass)

    images = out.real.detach().requires_grad_()
    real = discriminator(images).float()
    (gradient,) = torch.autograd.grad(real.sum(), images, create_graph=True)
    generated = discriminator(out.generated.detach()).float()
    entropy: Tensor = (softplus(-real).mean() + softplus(generated).mean()) / 2
    return entropy + R1_WEIGHT / 2 * gradient.square().sum(dim=(1, 2, 3)).mean()
