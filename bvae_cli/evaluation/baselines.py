"""Representations that everybody can make anew, without training: what learnt ones are compared with."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bvae_cli.encoding import encode
from bvae_cli.images.in_memory import Images
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.models.vae import VAE
from bvae_cli.system.device import seeded_rng
from bvae_cli.system.reporting import ignore_progress

LATENT_DIM = 10
FITTED_IMAGES = 10_000  # images that components are learnt from
ITERATIONS = 500  # of independent component analysis
PUBLISHED_SCORES = {
    "factors": "100",
    "pixels": "45.75 ± 0.8",
    "PCA": "84.9 ± 0.4",
    "ICA": "42.03 ± 10.6",
    "untrained": "44.14 ± 2.5",
}  # what Higgins et al. 2017 report of their metric on 2D shapes, percent

CodeArray = NDArray[np.float32]


def factors(images: Images, truth: GroundTruth, seed: int) -> CodeArray:
    """(images, factors): the truth itself."""
    return truth.factors.astype(np.float32)


def noise(images: Images, truth: GroundTruth, seed: int) -> CodeArray:
    """(images, 10): what has nothing to do with the images."""
    return np.random.default_rng(seed).normal(size=(len(images), LATENT_DIM)).astype(np.float32)


def pixels(images: Images, truth: GroundTruth, seed: int) -> CodeArray:
    """(images, pixels): each a latent."""
    return np.asarray(images[:].flatten(1))


def pca(images: Images, truth: GroundTruth, seed: int) -> CodeArray:
    """(images, 10): the principal components of the pixels."""
    from sklearn.decomposition import PCA

    return project(PCA(LATENT_DIM, random_state=seed), images)


def ica(images: Images, truth: GroundTruth, seed: int) -> CodeArray:
    """(images, 10): the independent components of the pixels, settled or not."""
    from sklearn.decomposition import FastICA

    components = FastICA(LATENT_DIM, random_state=seed, max_iter=ITERATIONS, whiten="unit-variance")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it did not settle
        return project(components, images)


def project(components: Any, images: Images) -> CodeArray:
    """(images, 10): the pixels in scikit-learn's components of some of them."""
    every = images[:].flatten(1).numpy()
    return np.asarray(components.fit(every[:FITTED_IMAGES]).transform(every), np.float32)


def untrained_encoder(net: str) -> Callable[[Images, GroundTruth, int], CodeArray]:
    """(images, 10): the posterior means of a net that has learnt nothing."""

    def represent(images: Images, truth: GroundTruth, seed: int) -> CodeArray:
        with seeded_rng(seed):
            vae = VAE(net, "bernoulli", images.spec.channels, LATENT_DIM)
        return np.asarray(encode(vae, images, "float32", ignore_progress).mean)

    return represent


BASELINES: dict[str, Callable[[Images, GroundTruth, int], CodeArray]] = {
    "factors": factors,
    "pixels": pixels,
    "PCA": pca,
    "ICA": ica,
    "noise": noise,
}
