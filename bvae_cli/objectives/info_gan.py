"""InfoGAN: a GAN whose codes can be inferred from the generated images."""

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

R1_WEIGHT = 20.0  # of the R1 gradient penalty, relative to the summed cross-entropies; 10 in Mescheder et al. 2018


@dataclass(frozen=True)
class InfoGAN(Objective):
    """−ln D(G(c)) − λ·Σ_j ln Q(c_j | G(c)), c ~ N(0, I) (Chen et al. 2016, equation 6).

    The decoder is the generator G, the encoder is Q. D discriminates images of the data set from generated images;
    instance noise is added to both (Sønderby et al. 2017). G and Q learn from the data through D only. Every latent is
    a code that Q predicts; the generator has no further noise input. The first term is the non-saturating loss
    (Goodfellow et al. 2014, section 3). No loss contains the reconstruction and the KL. They are logged for the
    autoencoder formed by Q and G, and show how well it encodes and reconstructs images of the data set.
    """

    lambda_info: Annotated[Schedule, "Weight λ of the mutual information between codes and generated images."] = 1.0
    discriminator_lr: Annotated[Schedule, "Learning rate of the discriminator: constant or schedule."] = 2e-4
    instance_noise: Annotated[
        Schedule, "Standard deviation of the instance noise added to the discriminator's inputs."
    ] = 0.1

    adam_betas: ClassVar[tuple[float, float]] = (0.5, 0.999)  # Radford et al. 2016, section 4
    # Scales PyTorch's default weights to the variance 2 / fan_in (He et al. 2015, section 2.2), six times the default.
    # Weights of another `train.init` are kept.
    # With the default, all codes generate the same image at first, and training does not leave this mode collapse.
    init_gain: ClassVar[float] = 6**0.5
    pixel_noise_samples: ClassVar[int] = 2

    def __post_init__(self) -> None:
        require_at_least(self, 0, "lambda_info", "discriminator_lr", "instance_noise")

    def forward(self, vae: VAE, images: Tensor, noise: Tensor, step: StepContext) -> ForwardPass:
        """Generate images from the noise as codes, and encode them; run the autoencoder for logging only."""
        import torch

        from bvae_cli.models.gan_forward_pass import GanForwardPass

        generated = vae.decode(noise)
        posterior = vae.encode(generated)
        noisy = [
            images + step["instance_noise"] * pixel_noise
            for images, pixel_noise in zip((images, generated), step.pixel_noise, strict=True)
        ]
        with torch.no_grad():  # last: autocast caches bfloat16 weights at first use, tracked or not
            autoencoder_pass = vae(images, noise)
        return GanForwardPass(
            **vars(autoencoder_pass),
            real=noisy[0],
            generated=noisy[1],
            inferred_mean=posterior[0],
            inferred_logvar=posterior[1],
        )

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """Return the loss of G and Q, a scalar, nats per image."""
        from torch.nn.functional import softplus

        from bvae_cli.models.gan_forward_pass import GanForwardPass
        from bvae_cli.models.gaussian import log_density

        assert isinstance(out, GanForwardPass)
        (discriminator,) = step.auxiliary_nets
        generator_loss: Tensor = softplus(-discriminator(out.generated).float()).mean()
        code_nll = -log_density(out.noise, out.inferred_mean, out.inferred_logvar).sum(dim=1).mean()
        return generator_loss + step["lambda_info"] * code_nll

    def auxiliary_nets(self, latent_dim: int, channels: int) -> Sequence[AuxiliaryNet]:
        """Return a new image discriminator."""
        from bvae_cli.models.image_discriminator import ImageDiscriminator

        return [AuxiliaryNet(ImageDiscriminator(channels), discriminator_loss, "discriminator_lr", self.adam_betas)]


def discriminator_loss(discriminator: nn.Module, out: ForwardPass) -> Tensor:
    """Return the discriminator's cross-entropy between real and generated images plus the R1 penalty, nats, halved.

    R1 is `R1_WEIGHT` / 2 times the squared norm of the logit's gradient at a real image (Mescheder et al. 2018,
    equation 9). Without it, the discriminator soon becomes so confident that the generator gets no useful gradient.
    """
    import torch
    from torch.nn.functional import softplus

    from bvae_cli.models.gan_forward_pass import GanForwardPass

    assert isinstance(out, GanForwardPass)

    def logits(images: Tensor) -> tuple[Tensor, Tensor]:
        logit = discriminator(images).float()
        return logit.sum(), logit

    gradient: Tensor
    gradient, real = torch.func.grad(logits, has_aux=True)(out.real.detach())
    generated = discriminator(out.generated.detach()).float()
    cross_entropy: Tensor = (softplus(-real).mean() + softplus(generated).mean()) / 2
    return cross_entropy + R1_WEIGHT / 4 * gradient.square().sum(dim=(1, 2, 3)).mean()
