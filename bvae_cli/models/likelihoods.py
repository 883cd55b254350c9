"""The negative log-likelihoods of a picture: (batch, …) logits and pixels in, (batch,) nats an image out.

They are summed over pixels and channels, so that the papers' β, γ and C keep their meaning.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional


def bernoulli(logits: Tensor, images: Tensor) -> Tensor:
    """-Σ log p(x) of Bernoulli pixels, nothing dropped; grey pixels count as probabilities."""
    return functional.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(1)


def gaussian(logits: Tensor, images: Tensor) -> Tensor:
    """Σ (x − sigmoid(logits))²: a Gaussian of variance ½, its normalising constant ½·ln π a pixel dropped."""
    return (images - torch.sigmoid(logits)).square().flatten(1).sum(1)


def laplace(logits: Tensor, images: Tensor) -> Tensor:
    """Σ |x − sigmoid(logits)|: a Laplace distribution of scale 1, its normalising constant ln 2 a pixel dropped."""
    return (images - torch.sigmoid(logits)).abs().flatten(1).sum(1)


LIKELIHOODS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bernoulli": bernoulli,
    "gaussian": gaussian,
    "laplace": laplace,
}
