"""What representations score that everybody can make anew, beside what Higgins et al. 2017 report of them.

`python benchmarks/known_cases.py` prints a column for each: the factors themselves, pixels, their principal and
independent components, a net that has learnt nothing, and noise, on 50,000 images of dSprites; in about four minutes.
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
SCORED = ("beta_vae_score", "factor_vae_score", "mig", "sap", "modularity", "irs", "dci")


def main() -> None:
    """Score each case by what can be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of dsprites.h5")
    parser.add_argument("--seed", type=int, default=0, help="of images, nets and scores")
    options = parser.parse_args()
    images = load_images(options.data, "dsprites")
    drawn = sample_indices(images, IMAGES, options.seed)
    truth = GroundTruth.from_labels(images.factors(drawn), list(images.spec.factors))
    cases, shown = {**BASELINES, "untrained": untrained_encoder("higgins_conv")}, images.subset(drawn)
    scores = {name: scored(cases[name](shown, truth, options.seed), truth, options.seed) for name in CASES}
    table = Table("", *CASES, title="dSprites")
    table.add_row("published, %", *CASES.values())
    for score in scores["factors"]:
        table.add_row(score, *(f"{case[score]:.3f}" if score in case else "" for case in scores.values()))
    Console().print(table)


def scored(codes: NDArray[np.float32], truth: GroundTruth, seed: int) -> dict[str, float]:
    """All scores; of a great many latents one alone, since the others would take hours."""
    metrics = SCORED if codes.shape[1] <= LATENT_DIM else SCORED[:1]
    found: dict[str, float] = {}
    for metric in metrics:
        found |= METRICS[metric].score(codes, truth, np.random.default_rng(seed))
    return found


if __name__ == "__main__":
    main()
