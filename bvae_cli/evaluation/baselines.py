"""Baseline representations without training, which learned ones are compared with."""

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
FITTED_IMAGES = 10_000  # images that PCA and ICA are fitted on
ITERATIONS = 500  # maximum, of ICA
PUBLISHED_SCORES = {
    "factors": "100",
    "pixels": "45.75 ± 0.8",
    "PCA": "84.9 ± 0.4",
    "ICA": "42.03 ± 10.6",
    "untrained": "44.14 ± 2.5",
}  # the β-VAE metric on 2D shapes reported by Higgins et al. 2017, percent

CodeArray = NDArray[np.float32]


def factors(images: Images, truth: GroundTruth, seed: int) -> CodeArray:
    """Return the ground-truth factors, (images, factors)."""
    return truth.factors.astype(np.float32)


def noise(images: Images, truth: GroundTruth, seed: int) -> CodeArray:
    """Return standard normal noise, independent of the images, (images, 10)."""
    return np.random.default_rng(seed).normal(size=(len(images), LATENT_DIM)).astype(np.float32)


def pixels(images: Images, truth: GroundTruth, seed: int) -> CodeArray:
    """Return the pixels, each as a latent, (images, pixels)."""
    return np.asarray(images[:].flatten(1))


def pca(images: Images, truth: GroundTruth, seed: int) -> CodeArray:
    """Return the principal components of the pixels, (images, 10)."""
    from sklearn.decomposition import PCA

    return project(PCA(LATENT_DIM, random_state=seed), images)


def ica(images: Images, truth: GroundTruth, seed: int) -> CodeArray:
    """Return the independent components of the pixels, (images, 10), even if FastICA did not converge."""
    from sklearn.decomposition import FastICA

    components = FastICA(LATENT_DIM, random_state=seed, max_iter=ITERATIONS, whiten="unit-variance")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that FastICA did not converge
        return project(components, images)


def project(components: Any, images: Images) -> CodeArray:
    """Fit a scikit-learn decomposition on some images and transform all of them, (images, 10)."""
    flattened = images[:].flatten(1).numpy()
    return np.asarray(components.fit(flattened[:FITTED_IMAGES]).transform(flattened), np.float32)


def untrained_encoder(net: str) -> Callable[[Images, GroundTruth, int], CodeArray]:
    """Return a function that computes the posterior means of an untrained VAE, (images, 10)."""

    def encode_images(images: Images, truth: GroundTruth, seed: int) -> CodeArray:
        with seeded_rng(seed):
            vae = VAE(net, "bernoulli", images.spec.channels, LATENT_DIM)
        return np.asarray(encode(vae, images, "float32", ignore_progress).mean)

    return encode_images


BASELINES: dict[str, Callable[[Images, GroundTruth, int], CodeArray]] = {
    "factors": factors,
    "pixels": pixels,
    "PCA": pca,
    "ICA": ica,
    "noise": noise,
}
