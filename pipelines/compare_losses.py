"""Compare a run's training curve with one that YannDubs/disentangling-vae publishes.

`python pipelines/compare_losses.py runs/RUN/history.csv train_losses.log --out figure.png` prints both losses of each
epoch and draws them. The second file is `results/MODEL_dsprites/train_losses.log` of that repository.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

STEPS_PER_EPOCH = 737_280 // 64  # dSprites in batches of 64
NAMES = {"reconstruction_loss": "recon_loss", "kl": "kl_loss"}  # column of history.csv: published name
TITLES = {"reconstruction_loss": "Reconstruction loss, nats per image", "kl": "KL, nats per image"}
Curve = dict[int, float]
"""Loss by epoch, from 1."""


def main() -> None:
    """Read both files, print a table and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("history", type=Path, help="history.csv of a run")
    parser.add_argument("published", type=Path, help="train_losses.log")
    parser.add_argument("--out", type=Path, required=True, help="figure to write")
    options = parser.parse_args()
    figure = Figure(figsize=(9, 3.2), layout="constrained", dpi=110)
    for axes, (column, published_name) in zip(figure.subplots(1, 2), NAMES.items(), strict=True):
        ours, published = read_history(options.history, column), read_published(options.published, published_name)
        for epoch, loss in published.items():
            print(column, epoch, f"{ours[epoch]:.2f}" if epoch in ours else "–", f"{loss:.2f}", sep="\t")
        draw(axes, ours, published, TITLES[column])
    figure.savefig(options.out)


def read_history(path: Path, column: str) -> Curve:
    """Return the average of a column over each complete epoch."""
    rows: dict[int, list[float]] = defaultdict(list)
    last_step = 0
    for row in read_csv(path):
        last_step = int(row["step"])
        rows[(last_step - 1) // STEPS_PER_EPOCH + 1].append(float(row[column]))
    return {epoch: fmean(values) for epoch, values in rows.items() if epoch * STEPS_PER_EPOCH <= last_step}


def read_published(path: Path, name: str) -> Curve:
    """Return a published loss by epoch."""
    return {int(row["Epoch"]) + 1: float(row["Value"]) for row in read_csv(path) if row["Loss"] == name}


def read_csv(path: Path) -> Iterable[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def draw(axes: Axes, ours: Curve, published: Curve, title: str) -> None:
    """Draw both curves."""
    axes.plot(list(published), list(published.values()), color="#888888", marker="o", markersize=3, label="published")
    axes.plot(list(ours), list(ours.values()), color="#1f5fa8", marker="o", markersize=3, label="bvae")
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel("epoch")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)


if __name__ == "__main__":
    main()
