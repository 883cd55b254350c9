"""Reproduction of the table of Higgins et al. 2017 on 2D shapes (figure 6, left): `python pipelines/higgins_table.py`.

The script scores nine representations of dSprites with several seeds each by the β-VAE metric: in the paper's protocol
as far as it is reported, and in that of Locatello et al. 2019. Trained models are those of the stage higgins_train. It
writes scores.csv, one row per representation and seed, and the summary as table.csv and table.md.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvae_cli import config
from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.encoding import encode
from bvae_cli.evaluation.baselines import BASELINES, PUBLISHED_SCORES, untrained_encoder
from bvae_cli.images.in_memory import Images, ImageSource, sample_indices
from bvae_cli.images.stream import open_stream
from bvae_cli.metrics.beta_vae_score import beta_vae_score
from bvae_cli.metrics.beta_vae_score_published import accuracies
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.system.files import write_csv, write_text
from bvae_cli.system.reporting import ignore_progress

FACTORS = ("scale", "orientation", "posX", "posY")  # used by the paper
CLASSIFIERS = 3  # per replica, with different initial weights
IMAGES = 50_000  # sampled by the seed

HEADING = "# The β-VAE metric on 2D shapes, mean ± standard deviation over {} seeds"
COMPRESSED_NOTE = "Models with fewer steps than their preset are time-compressed runs for two cores, not reproductions."
FULL_NOTE = "All models are trained for the steps of their presets."


@dataclass(frozen=True)
class Row:
    """A row of the published table."""

    name: str
    published: str  # percent
    preset: str | None = None  # of the experiment that trains it, if it is trained


ROWS = {
    "factors": Row("ground truth", PUBLISHED_SCORES["factors"]),
    "pixels": Row("raw pixels", PUBLISHED_SCORES["pixels"]),
    "PCA": Row("PCA", PUBLISHED_SCORES["PCA"]),
    "ICA": Row("ICA", PUBLISHED_SCORES["ICA"]),
    "dc_ign": Row("DC-IGN", "99.3 ± 0.1", "higgins2017_dc_ign"),
    "info_gan": Row("InfoGAN", "73.5 ± 0.9", "higgins2017_info_gan"),
    "untrained": Row("VAE untrained", PUBLISHED_SCORES["untrained"]),
    "vae": Row("VAE", "61.58 ± 0.5", "higgins2017_vae"),
    "beta": Row("β-VAE", "99.23 ± 0.1", "higgins2017"),
}


@dataclass(frozen=True)
class Scores:
    """The scores of one replica of a representation, percent."""

    published: list[float]  # one per classifier, in the paper's protocol
    locatello: float  # in the protocol of Locatello et al. 2019
    steps: int | None = None  # training steps


def main() -> None:
    """Score all representations and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder that contains dsprites.h5")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/higgins"), help="folder that contains the runs, <preset>-<seed>"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/higgins_table"), help="output folder")
    parser.add_argument("--seeds", type=int, default=10, help="replicas per representation, seeds from 0")
    options = parser.parse_args()
    images = open_stream(options.data, "dsprites")
    replicas = {
        name: [score_replica(name, images, seed, options.runs) for seed in range(options.seeds)] for name in ROWS
    }
    write_tables(replicas, options.out)


def score_replica(name: str, images: ImageSource, seed: int, runs: Path) -> Scores:
    """Compute the scores of one replica, on images sampled by the seed."""
    print(f"scoring {ROWS[name].name}, seed {seed}", flush=True)
    indices = sample_indices(images, IMAGES, seed)
    truth = GroundTruth.from_labels(images.factors(indices), list(images.spec.factors))
    codes, num_steps = compute_codes(name, images.subset(indices), truth, seed, runs)
    rng = np.random.default_rng(seed)
    published = accuracies(codes, truth.select_factors(FACTORS), rng, CLASSIFIERS)
    locatello = beta_vae_score(codes, truth, rng)["beta_vae_score"]
    return Scores([100 * value for value in published], 100 * locatello, num_steps)


def compute_codes(
    name: str, images: Images, truth: GroundTruth, seed: int, runs: Path
) -> tuple[NDArray[np.float32], int | None]:
    """Return the codes of a replica, (images, latents), and its number of training steps, if it was trained."""
    if preset := ROWS[name].preset:
        model = load_checkpoint(runs / f"{preset}-{seed}" / "checkpoint.pt")
        return encode(model.vae, images, model.params.train.precision, ignore_progress).mean.numpy(), model.step
    encode_images = untrained_encoder("higgins_mlp") if name == "untrained" else BASELINES[name]
    return encode_images(images, truth, seed), None


def write_tables(replicas: dict[str, list[Scores]], out: Path) -> None:
    """Write scores.csv, table.csv and table.md."""
    classifiers = [f"published_{number}" for number in range(1, CLASSIFIERS + 1)]
    write_csv(
        out / "scores.csv",
        ["representation", "seed", "steps", *classifiers, "locatello"],
        (
            [ROWS[name].name, seed, replica.steps, *replica.published, replica.locatello]
            for name, scores in replicas.items()
            for seed, replica in enumerate(scores)
        ),
    )
    rows = [summarize_row(ROWS[name], scores) for name, scores in replicas.items()]
    write_csv(out / "table.csv", rows[0], (row.values() for row in rows))
    write_text(out / "table.md", to_markdown(rows, min(map(len, replicas.values()))))


def summarize_row(row: Row, scores: Sequence[Scores]) -> dict[str, str]:
    """Return a row of the table, by column heading."""
    published = [value for replica in scores for value in replica.published]
    return {
        "representation": row.name,
        "Higgins et al. 2017, %": row.published,
        "bvae, their protocol, %": format_mean_std(upper_half(published)),
        "same, no score discarded, %": format_mean_std(published),
        "bvae, protocol of Locatello et al. 2019, %": format_mean_std([replica.locatello for replica in scores]),
        "steps": format_steps(row, scores),
    }


def upper_half(scores: Sequence[float]) -> list[float]:
    """Return the upper half of the scores, which the paper reports "to control for" diverged runs."""
    return sorted(scores)[len(scores) // 2 :]


def format_mean_std(values: Sequence[float]) -> str:
    """Format mean ± sample standard deviation."""
    return f"{np.mean(values):.2f} ± {np.std(values, ddof=min(1, len(values) - 1)):.2f}"


def format_steps(row: Row, scores: Sequence[Scores]) -> str:
    """Format the number of training steps and, if it is smaller, that of the preset."""
    if not row.preset:
        return ""
    num_steps = min(replica.steps or 0 for replica in scores)
    preset_steps = config.load_params(Path(__file__).parent / f"{row.preset}.yaml", {}).train.steps
    return f"{num_steps:,}" if num_steps >= preset_steps else f"{num_steps:,} of {preset_steps:,}"


def to_markdown(rows: Sequence[dict[str, str]], seeds: int) -> str:
    """Format the rows as a Markdown page, with heading and note."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    note = COMPRESSED_NOTE if any(" of " in row["steps"] for row in rows) else FULL_NOTE
    return f"{HEADING.format(seeds)}\n\n{table}\n{note}\n"


if __name__ == "__main__":
    main()
