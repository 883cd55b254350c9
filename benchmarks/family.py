"""Comparison of the objectives on dSprites: `python benchmarks/family.py`.

Each model is trained by `bvae train` for 10,000 steps on the CPU, with settings that differ in the objective only, and
evaluated by `bvae evaluate`. Existing runs are reused. The script prints a table, and writes heat maps of the mutual
information of latents and factors to family.png.
"""

import argparse
import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

BVAE = Path(sys.executable).parent / "bvae"
SHARED_OPTIONS = "--precision bfloat16 --steps 10000 --learning-rate 0:0,200:0.001,7000:0.001,10000:0.00005"
HYPERPARAMETERS = {
    "vae": "",
    "beta_vae": "--beta 4",
    "annealed_vae": "--gamma 10 --capacity 0:0,6000:18",
    "factor_vae": "--gamma 35",
    "beta_tcvae": "--beta 6",
    "dip_vae_i": "--lambda-od 10 --lambda-d 100",
    "dip_vae_ii": "--lambda-od 10 --lambda-d 10",
    "info_vae": "--lambda-mmd 1000",
}
SCORES = ("reconstruction_loss", "kl", "total_correlation", "active_units", "mig", "beta_vae_score")
HEADINGS = ("objective", "reconstruction loss", "KL", "TC", "active latents", "MIG", "β-VAE score", "minutes")


def main() -> None:
    """Train and evaluate the missing models, print the table and write the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder that contains dsprites.h5")
    parser.add_argument("--out", type=Path, default=Path("runs/family"), help="folder for the runs")
    options = parser.parse_args()
    for objective, hyperparameters in HYPERPARAMETERS.items():
        run = options.out / objective
        common = ["--cpu", "--data", options.data, "--out", run]
        if not (run / "checkpoint.pt").exists():
            train(objective, hyperparameters, run, common)
        if not (run / "metrics.json").exists():
            metrics = ["--metric", "mig", "--metric", "beta_vae_score"]
            subprocess.run([BVAE, "evaluate", run / "checkpoint.pt", *metrics, *common], check=True)
    print(*HEADINGS, sep=" | ")
    for objective in HYPERPARAMETERS:
        print(*format_row(objective, options.out / objective), sep=" | ")
    draw_heatmaps(options.out)


def train(objective: str, hyperparameters: str, run: Path, common: list[str | Path]) -> None:
    """Train one model, and write the duration in seconds to its run folder."""
    started = time.monotonic()
    subprocess.run(
        [BVAE, "train", "--objective", objective, *SHARED_OPTIONS.split(), *hyperparameters.split(), *common],
        check=True,
    )
    (run / "seconds").write_text(str(time.monotonic() - started))


def format_row(objective: str, run: Path) -> list[str]:
    """Return the table row of one objective."""
    scores = json.loads((run / "metrics.json").read_text())
    minutes = float((run / "seconds").read_text()) / 60
    return [f"`{objective}`", *(f"{scores[name]:.3g}" for name in SCORES), f"{minutes:.1f}"]


def draw_heatmaps(out: Path) -> None:
    """Write family.png: per objective, the mutual information of latents, sorted by KL, and factors."""
    figure = Figure(figsize=(11, 6.4), layout="constrained", dpi=110)
    for axes, objective in zip(figure.subplots(2, 4).flat, HYPERPARAMETERS, strict=True):
        factors, latents, information = read_mutual_information(out / objective)
        image = axes.imshow(information, cmap="Blues", vmin=0, vmax=2, aspect="auto")
        axes.set_title(objective, fontsize=11)
        axes.set_xticks(range(len(factors)), factors, rotation=35, fontsize=8)
        axes.set_yticks(range(len(latents)), latents, fontsize=8)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=figure.axes, shrink=0.6, label="mutual information, nats").outline.set_visible(False)
    figure.savefig(out / "family.png")


def read_mutual_information(run: Path) -> tuple[list[str], list[str], np.ndarray]:
    """Return the factors, the latents sorted by KL, and their mutual information, (latents, factors)."""
    with (run / "latents.csv").open() as file:
        order = [f"z{line['index']}" for line in csv.DictReader(file)]
    with (run / "mutual_information.csv").open() as file:
        (_, *factors), *lines = csv.reader(file)
    cells = {name: [float(cell) for cell in row] for name, *row in lines}
    return factors, order, np.array([cells[name] for name in order])


if __name__ == "__main__":
    main()
