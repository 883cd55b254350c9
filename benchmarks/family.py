"""Every objective on dSprites, side by side: `python benchmarks/family.py` trains, scores and compares.

Each is trained by `bvae train` for 10,000 steps on the processor, alike but for its objective, and scored by
`bvae evaluate`; a run that is there already is not repeated. It prints a table, and draws what each latent tells of
each factor as family.png.
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
ALIKE = "--precision bfloat16 --steps 10000 --learning-rate 0:0,200:0.001,7000:0.001,10000:0.00005"
KNOBS = {
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
HEADINGS = ("objective", "reconstruction_loss", "KL", "TC", "latents used", "MIG", "Higgins", "minutes")


def main() -> None:
    """Train what is not there, score it, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of dsprites.h5")
    parser.add_argument("--out", type=Path, default=Path("runs/family"), help="folder of the runs")
    options = parser.parse_args()
    for objective, hyperparameters in KNOBS.items():
        run, here = options.out / objective, ["--cpu", "--data", options.data, "--out", options.out / objective]
        if not (run / "checkpoint.pt").exists():
            train(objective, hyperparameters, run, here)
        if not (run / "metrics.json").exists():
            metrics = ["--metric", "mig", "--metric", "beta_vae_score"]
            subprocess.run([BVAE, "evaluate", run / "checkpoint.pt", *metrics, *here], check=True)
    print(*HEADINGS, sep=" | ")
    for objective in KNOBS:
        print(*row(objective, options.out / objective), sep=" | ")
    draw(options.out)


def train(objective: str, hyperparameters: str, run: Path, here: list[str | Path]) -> None:
    """One run, and the seconds that it took."""
    started = time.monotonic()
    subprocess.run(
        [BVAE, "train", "--objective", objective, *ALIKE.split(), *hyperparameters.split(), *here], check=True
    )
    (run / "seconds").write_text(str(time.monotonic() - started))


def row(objective: str, run: Path) -> list[str]:
    """A line of the table."""
    scores = json.loads((run / "metrics.json").read_text())
    minutes = float((run / "seconds").read_text()) / 60
    return [f"`{objective}`", *(f"{scores[name]:.3g}" for name in SCORES), f"{minutes:.1f}"]


def draw(out: Path) -> None:
    """What each latent tells of each factor, a heat map an objective, the latents sorted by their KL."""
    figure = Figure(figsize=(11, 6.4), layout="constrained", dpi=110)
    for axes, objective in zip(figure.subplots(2, 4).flat, KNOBS, strict=True):
        factors, latents, information = told(out / objective)
        image = axes.imshow(information, cmap="Blues", vmin=0, vmax=2, aspect="auto")
        axes.set_title(objective, fontsize=11)
        axes.set_xticks(range(len(factors)), factors, rotation=35, fontsize=8)
        axes.set_yticks(range(len(latents)), latents, fontsize=8)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=figure.axes, shrink=0.6, label="mutual information, nats").outline.set_visible(False)
    figure.savefig(out / "family.png")


def told(run: Path) -> tuple[list[str], list[str], np.ndarray]:
    """The factors, the latents from the most telling to the least, and their mutual information."""
    with (run / "latents.csv").open() as file:
        order = [f"z{line['index']}" for line in csv.DictReader(file)]
    with (run / "mutual_information.csv").open() as file:
        (_, *factors), *lines = csv.reader(file)
    cells = {name: [float(cell) for cell in row] for name, *row in lines}
    return factors, order, np.array([cells[name] for name in order])


if __name__ == "__main__":
    main()
