"""Scores of baseline representations, with those reported by Higgins et al. 2017.

`python benchmarks/known_cases.py` prints one column per representation, on 50,000 images of dSprites: ground-truth
factors, pixels, PCA, ICA, an untrained encoder and noise. It takes about four minutes.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bvae_cli.evaluation.baselines import BASELINES, LATENT_DIM, PUBLISHED_SCORES, untrained_encoder
from bvae_cli.images.in_memory import load_images, sample_indices
from bvae_cli.metrics import METRICS
from bvae_cli.metrics.ground_truth import GroundTruth

IMAGES = 50_000
CASES = {**PUBLISHED_SCORES, "noise": ""}
METRIC_NAMES = ("beta_vae_score", "factor_vae_score", "mig", "sap", "modularity", "irs", "dci")


def main() -> None:
    """Score each representation and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder that contains dsprites.h5")
    parser.add_argument("--seed", type=int, default=0, help="seed of image sampling, nets and scores")
    options = parser.parse_args()
    images = load_images(options.data, "dsprites")
    indices = sample_indices(images, IMAGES, options.seed)
    truth = GroundTruth.from_labels(images.factors(indices), list(images.spec.factors))
    cases, subset = {**BASELINES, "untrained": untrained_encoder("higgins_conv")}, images.subset(indices)
    scores = {name: score_codes(cases[name](subset, truth, options.seed), truth, options.seed) for name in CASES}
    table = Table("", *CASES, title="dSprites")
    table.add_row("published, %", *CASES.values())
    for score in scores["factors"]:
        table.add_row(score, *(f"{case[score]:.3f}" if score in case else "" for case in scores.values()))
    Console().print(table)


def score_codes(codes: NDArray[np.float32], truth: GroundTruth, seed: int) -> dict[str, float]:
    """Compute all scores; with very many latents only the first, since the others would take hours."""
    names = METRIC_NAMES if codes.shape[1] <= LATENT_DIM else METRIC_NAMES[:1]
    scores: dict[str, float] = {}
    for name in names:
        scores |= METRICS[name].score(codes, truth, np.random.default_rng(seed))
    return scores


if __name__ == "__main__":
    main()
