"""What representations score that everybody can make anew, beside what Higgins et al. 2017 report of them.

`python benchmarks/known_cases.py` prints a column for each: the factors themselves, pixels, their principal and
independent components, a net that has learnt nothing, and noise, on 50,000 images of dSprites; in about four minutes.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.decomposition import PCA, FastICA

from bvae_cli.datasets.images import Images, load, some
from bvae_cli.encoding import encode
from bvae_cli.metrics import METRICS
from bvae_cli.metrics.truth import Truth
from bvae_cli.models.vae import VAE
from bvae_cli.system.reporting import silent

IMAGES, LATENT_DIM, PIXELS_LEARNT = 50_000, 10, 10_000
PUBLISHED = {
    "factors": "100",
    "pixels": "45.75 ± 0.8",
    "PCA": "84.9 ± 0.4",
    "ICA": "42.03 ± 10.6",
    "untrained": "44.14 ± 2.5",
    "noise": "",
}  # the metric of Higgins et al. 2017, percent
SCORED = ("higgins", "factor_vae", "mig", "sap", "modularity", "irs", "dci")


def main() -> None:
    """Score each case by what can be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of dsprites.h5")
    parser.add_argument("--seed", type=int, default=0, help="of images, nets and scores")
    options = parser.parse_args()
    images = load(options.data, "dsprites")
    drawn = some(images, IMAGES, options.seed)
    truth = Truth.of(images.factors(drawn), list(images.spec.factors))
    scores = {
        name: scored(represented(name, images.at(drawn), truth, options.seed), truth, options.seed)
        for name in PUBLISHED
    }
    table = Table("", *PUBLISHED, title="dSprites")
    table.add_row("published, %", *PUBLISHED.values())
    for score in scores["factors"]:
        table.add_row(score, *(f"{case[score]:.3f}" if score in case else "" for case in scores.values()))
    Console().print(table)


def scored(codes: NDArray[np.float32], truth: Truth, seed: int) -> dict[str, float]:
    """All scores; of a great many latents one alone, since the others would take hours."""
    metrics = SCORED if codes.shape[1] <= LATENT_DIM else SCORED[:1]
    found: dict[str, float] = {}
    for metric in metrics:
        found |= METRICS[metric].score(codes, truth, np.random.default_rng(seed))
    return found


def represented(name: str, images: Images, truth: Truth, seed: int) -> NDArray[np.float32]:
    """(images, latents): the codes of a case."""
    if name == "factors":
        return truth.factors.astype(np.float32)
    if name == "noise":
        return np.random.default_rng(seed).normal(size=(len(images), LATENT_DIM)).astype(np.float32)
    torch.manual_seed(seed)
    if name == "untrained":
        vae = VAE("conv_h", "bernoulli", images.spec.channels, LATENT_DIM)
        return np.asarray(encode(vae, images, "float32", silent).mean)
    pixels = np.asarray(images[:].flatten(1))
    if name == "pixels":
        return pixels
    components = PCA(LATENT_DIM, random_state=seed)
    if name == "ICA":
        components = FastICA(LATENT_DIM, random_state=seed, max_iter=500, whiten="unit-variance")
    return np.asarray(components.fit(pixels[:PIXELS_LEARNT]).transform(pixels), np.float32)


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ICA, which may not settle
        main()
