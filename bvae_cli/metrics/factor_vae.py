"""The FactorVAE metric (Kim & Mnih 2018, section 4 and algorithm 2)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.truth import Truth

BATCH = 64  # images that agree in a factor's value
TRAIN, TEST = 10_000, 5_000  # points
REFERENCE = 10_000  # images that the variances are compared with
LEAST_DEVIATION = 0.05  # of a latent that is not dropped (Locatello et al. 2019, appendix C)
TOGETHER = 500  # points made at once, for the sake of memory


def factor_vae(codes: NDArray[np.float32], truth: Truth, rng: np.random.Generator) -> dict[str, float]:
    """How well a majority vote tells which factor is held, from the latent that varies least.

    Args:
        codes: (images, latents).
        truth: the factors of the images.
        rng: draws factors and images.

    Returns:
        `factor_vae`: the accuracy on points not voted on, 0 to 1; 0 where no latent varies.

    Raises:
        BvaeError: there is a factor in which no two images agree.
    """
    return {"factor_vae": accuracy(codes, truth, rng)}


def accuracy(
    codes: NDArray[np.float32], truth: Truth, rng: np.random.Generator,
    batch: int = BATCH, train: int = TRAIN, test: int = TEST, reference: int = REFERENCE,
) -> float:  # fmt: skip
    """The accuracy with batches of so many images, on so many points."""
    deviation = codes[truth.draw(reference, rng)].std(axis=0, ddof=1)
    alive = deviation >= LEAST_DEVIATION
    if not alive.any():
        return 0.0
    scaled = codes[:, alive] / deviation[alive]
    votes = count(scaled, truth, batch, train, rng)
    tested = count(scaled, truth, batch, test, rng)
    return float(tested[votes.argmax(axis=0), np.arange(votes.shape[1])].sum() / test)


def count(
    scaled: NDArray[np.float32], truth: Truth, batch: int, points: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """(factors, latents): at how many points, at which that factor is held, that latent varies least."""
    table = np.zeros((len(truth.names), scaled.shape[1]), np.int64)
    for factor, share in enumerate(rng.multinomial(points, np.full(len(table), 1 / len(table)))):
        for start in range(0, share, TOGETHER):
            least = least_varying(scaled, truth, factor, (min(TOGETHER, share - start), batch), rng)
            table[factor] += np.bincount(least, minlength=table.shape[1])
    return table


def least_varying(
    scaled: NDArray[np.float32], truth: Truth, factor: int, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.int64]:
    """(points,): the latent that varies least over images with one value of a factor; `shape` is (points, batch)."""
    value = np.broadcast_to(truth.draw(shape[0], rng)[:, None], shape)
    images = truth.alike(value, factor, rng)
    return np.asarray(scaled[images].var(axis=1, ddof=1).argmin(axis=1))
