"""Reconstruction losses: the negative log-likelihood of each image under the decoder's output.

Each maps (batch, …) logits and (batch, …) pixels in [0, 1] to (batch,) nats per image. Losses are summed over pixels
and channels, so that published values of β, γ and C keep their scale.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional


def bernoulli(logits: Tensor, images: Tensor) -> Tensor:
    """Return −Σ log p(x) of Bernoulli pixels, no constant dropped; grey values are treated as probabilities."""
    return functional.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1).sum(1)


def gaussian(logits: Tensor, images: Tensor) -> Tensor:
    """Return Σ (x − sigmoid(logits))²: a Gaussian of variance ½ without its constant, ½·ln π per pixel."""
    return (images - torch.sigmoid(logits)).square().flatten(1).sum(1)


def laplace(logits: Tensor, images: Tensor) -> Tensor:
    """Return Σ |x − sigmoid(logits)|: a Laplace distribution of scale 1 without its constant, ln 2 per pixel."""
    return (images - torch.sigmoid(logits)).abs().flatten(1).sum(1)


LIKELIHOODS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bernoulli": bernoulli,
    "gaussian": gaussian,
    "laplace": laplace,
}
