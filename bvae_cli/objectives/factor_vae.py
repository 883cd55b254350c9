"""FactorVAE: the total correlation is estimated by a discriminator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from bvae_cli.objectives.objective import AuxiliaryNet, Objective, StepContext
from bvae_cli.objectives.schedule import Schedule
from bvae_cli.system.checks import require_at_least

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bvae_cli.models.vae import ForwardPass


@dataclass(frozen=True)
class FactorVAE(Objective):
    """reconstruction + KL + γ·TC, TC = E_q(z) ln [D(z) / (1 − D(z))] (Kim & Mnih 2018, equations 2 and 3).

    D discriminates codes from codes with each latent permuted over the images. It is trained on the two halves of each
    batch (Kim & Mnih 2018, algorithm 2), or on the whole batch (Locatello et al. 2019), the model on the whole batch.
    """

    gamma: Annotated[Schedule, "Weight γ of the total correlation."] = 35.0
    discriminator_lr: Annotated[Schedule, "Learning rate of the discriminator: constant or schedule."] = 1e-4
    discriminator_codes: Annotated[
        Literal["halves", "batch"],
        "Codes that train the discriminator: of half a batch and, permuted, of the other half; or twice of the batch.",
    ] = "halves"

    min_batch_size: ClassVar[int] = 2

    def __post_init__(self) -> None:
        require_at_least(self, 0, "gamma", "discriminator_lr")

    def __call__(self, out: ForwardPass, step: StepContext) -> Tensor:
        """Return the loss of a batch, a scalar, nats per image."""
        (discriminator,) = step.auxiliary_nets
        joint, permuted = discriminator(out.z).float().unbind(dim=1)
        total_correlation: Tensor = (joint - permuted).mean()
        return out.reconstruction_loss.mean() + out.kl.mean(dim=0).sum() + step["gamma"] * total_correlation

    def auxiliary_nets(self, latent_dim: int, channels: int) -> Sequence[AuxiliaryNet]:
        """Return a new discriminator, with the published coefficients of its Adam (Kim & Mnih 2018, appendix A)."""
        from bvae_cli.models.code_discriminator import CodeDiscriminator

        loss = {"halves": loss_of_halves, "batch": loss_of_batch}[self.discriminator_codes]
        return [AuxiliaryNet(CodeDiscriminator(latent_dim), loss, "discriminator_lr", (0.5, 0.9))]


def loss_of_halves(discriminator: nn.Module, out: ForwardPass) -> Tensor:
    """Return the discriminator's cross-entropy, nats (Kim & Mnih 2018, algorithm 2).

    The first half of the batch gives codes of q(z); the second half, each latent permuted over the images, gives codes
    of the product of the marginals.
    """
    half = len(out.z) // 2
    joint, others = out.z[:half].detach(), out.z[half : 2 * half].detach()
    # Sorting noise gives uniform permutations; that of the first half is independent of the codes permuted here.
    permuted = others.gather(0, out.noise[:half].argsort(dim=0))  # an independent permutation per latent
    return discriminator_loss(discriminator, joint, permuted)


def loss_of_batch(discriminator: nn.Module, out: ForwardPass) -> Tensor:
    """Return the discriminator's cross-entropy, nats, as in the code of Locatello et al. 2019 (disentanglement_lib).

    The whole batch gives codes of q(z), and again, permuted, codes of the product of the marginals. The images of a
    batch are in random order, so shifting latent j by j + 1 rows takes each latent of a code from another image.
    """
    import torch

    z = out.z.detach()
    batch, latent_dim = z.shape
    shifts = torch.arange(1, latent_dim + 1, device=z.device)
    rows = (torch.arange(batch, device=z.device)[:, None] + shifts) % batch  # (batch, latent_dim)
    return discriminator_loss(discriminator, z, z.gather(0, rows))


def discriminator_loss(discriminator: nn.Module, joint: Tensor, permuted: Tensor) -> Tensor:
    """Return the cross-entropy of a discriminator, nats, of (codes, latent_dim) joint and permuted codes."""
    import torch
    from torch.nn.functional import cross_entropy

    logits = discriminator(joint).float(), discriminator(permuted).float()
    targets = torch.zeros(len(joint), dtype=torch.long, device=joint.device)
    return (cross_entropy(logits[0], targets) + cross_entropy(logits[1], targets + 1)) / 2
