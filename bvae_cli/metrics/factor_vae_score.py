"""The FactorVAE metric (Kim & Mnih 2018, section 4 and algorithm 2)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth

BATCH = 64  # images that agree in a factor's value
TRAIN, TEST = 10_000, 5_000  # points
REFERENCE = 10_000  # images that the variances are compared with
MIN_STD = 0.05  # of a latent that is not dropped (Locatello et al. 2019, appendix C)
POINTS_PER_BLOCK = 500  # points made at once, for the sake of memory


def factor_vae_score(codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator) -> dict[str, float]:
    """How well a majority vote tells which factor is held, from the latent that varies least.

    Args:
        codes: (images, latents).
        truth: the factors of the images.
        rng: draws factors and images.

    Returns:
        `factor_vae_score`: the accuracy on points not voted on, 0 to 1; 0 where no latent varies.

    Raises:
        BvaeError: there is a factor in which no two images agree.
    """
    return {"factor_vae_score": accuracy(codes, truth, rng)}


def accuracy(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    batch: int = BATCH, train: int = TRAIN, test: int = TEST, reference: int = REFERENCE,
) -> float:  # fmt: skip
    """The accuracy with batches of so many images, on so many points."""
    std = codes[truth.sample(reference, rng)].std(axis=0, ddof=1)
    is_active = std >= MIN_STD
    if not is_active.any():
        return 0.0
    scaled = codes[:, is_active] / std[is_active]
    votes = count_votes(scaled, truth, batch, train, rng)
    tested = count_votes(scaled, truth, batch, test, rng)
    return float(tested[votes.argmax(axis=0), np.arange(votes.shape[1])].sum() / test)


def count_votes(
    scaled: NDArray[np.float32], truth: GroundTruth, batch: int, points: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """(factors, latents): at how many points, at which that factor is held, that latent varies least."""
    table = np.zeros((len(truth.names), scaled.shape[1]), np.int64)
    for factor, share in enumerate(rng.multinomial(points, np.full(len(table), 1 / len(table)))):
        for start in range(0, share, POINTS_PER_BLOCK):
            least = lowest_variance_latent(scaled, truth, factor, (min(POINTS_PER_BLOCK, share - start), batch), rng)
            table[factor] += np.bincount(least, minlength=table.shape[1])
    return table


def lowest_variance_latent(
    scaled: NDArray[np.float32], truth: GroundTruth, factor: int, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.int64]:
    """(points,): the latent that varies least over images with one value of a factor; `shape` is (points, batch)."""
    value = np.broadcast_to(truth.sample(shape[0], rng)[:, None], shape)
    images = truth.sample_sharing_factor(value, factor, rng)
    return np.asarray(scaled[images].var(axis=1, ddof=1).argmin(axis=1))
