"""Tables of scores, latents, data sets and studies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bvae_cli.commands.console import print_notice, result

if TYPE_CHECKING:
    from bvae_cli.evaluation.evaluator import Evaluation
    from bvae_cli.evaluation.scoring import Scores
    from bvae_cli.latents import Latent
    from bvae_cli.sweep.results import ScoreSummary
    from bvae_cli.sweep.study import Study
    from bvae_cli.sweep.worker import ModelStatus

SUMMARY_SCORES = ("reconstruction_loss", "kl", "beta_vae_score", "mig", "udr")  # of a study; they fit 80 columns
WIDE = 100  # terminal columns from which descriptions of scores have a column of their own


def show_scores(evaluation: Evaluation) -> None:
    """Print the tables of latents and scores, the scores that were not computed, and the computation times."""
    if evaluation.latents:
        result.print(latent_table(evaluation.latents))
        warn_about_collapse(evaluation.latents)
    result.print(score_table(evaluation.scores, result.width))
    for name, reason in evaluation.scores.not_computed.items():
        result.print(f"{name}: not computed, {reason}", soft_wrap=True)
    times = "  ".join(f"{name} {seconds:.1f}" for name, seconds in evaluation.scores.seconds.items())
    if times:
        print_notice(f"seconds: {times}")


def latent_table(latents: Sequence[Latent]) -> Table:
    """Return a table with one row per latent."""
    table = Table(title="Latents (KL and mutual information I(z; v) with the top factor v, nats)")
    for header in ("latent", "KL", "posterior variance", "I(z; v)", "factors, I(z; v) / H(v)"):
        table.add_column(header, justify="left" if header.startswith("factors") else "right")
    for latent in latents:
        information = f"{latent.mutual_information:.2f}" if latent.top_factor else ""
        factors = ", ".join(f"{name} {share:.0%}" for name, share in latent.factors.items()) or latent.label
        row = [f"z{latent.index}", f"{latent.kl:.2f}", f"{latent.posterior_variance:.3f}", information, factors]
        table.add_row(*row, style="" if latent.is_active else "dim")
    return table


def warn_about_collapse(latents: Sequence[Latent]) -> None:
    """Print a notice if no latent is active."""
    if latents and not any(latent.is_active for latent in latents):
        print_notice(
            f"0 of {len(latents)} latents active (posterior collapse): the images do not influence the codes. "
            "Train with a lower --beta, a warm-up of the learning rate, or another --init."
        )


def show_datasets(folder: Path) -> None:
    """Print the catalogue and the data files in a folder: number of images, file size, factors, origin and licence."""
    from bvae_cli.datasets.catalogue import list_datasets

    for entry in list_datasets(folder):
        count = f"{entry.spec.num_images:,} images" if entry.spec.num_images else ""
        download = f"download {entry.download_bytes / 1e6:,.0f} MB" if entry.download_bytes else ""
        on_disk = f"on disk, {entry.file_bytes / 1e6:,.1f} MB" if entry.file_bytes else ""
        factors = ", ".join(f"{name} {size}" for name, size in entry.spec.factors.items())
        name = Text(f"{entry.spec.name:16}", "bold")
        result.print(Text.assemble(name, f" {count:>16}   {download:17}  ", (on_disk, "green")))
        for line in filter(None, (factors, f"{entry.dataset.origin}; licence: {entry.dataset.licence}")):
            result.print(Padding(line, (0, 0, 0, 2)), style="dim")


def show_study(study: Study, statuses: Sequence[ModelStatus], hours: float) -> None:
    """Print one row per setting of a study with the number of models by status, and the estimated time."""
    table = Table(title=f"{len(study.trials)} models in {study.folder}")
    table.add_column("setting", overflow="fold")
    for header in ("seeds", "steps", "finished", "started", "failed", "not started"):
        table.add_column(header, justify="right")
    for setting, trials in study.settings.items():
        selected = [status for status in statuses if status.trial.setting == setting]
        failed = sum(bool(status.failure) for status in selected)
        finished = sum(status.is_finished for status in selected) - failed
        started = sum(not status.is_finished and (status.trial.folder / "last.pt").exists() for status in selected)
        seeds = format_seeds([trial.params.train.seed for trial in trials])
        counts = [finished, started, failed, len(trials) - finished - started - failed]
        table.add_row(setting, seeds, f"{trials[0].params.train.num_steps:,}", *map(str, counts))
    result.print(table)
    result.print(
        f"Estimated training time: {hours:.2g} hours, from a few timed steps per setting; evaluation is not included."
    )


def format_seeds(seeds: Sequence[int]) -> str:
    """Return seeds as text: a range like 0–4 if they are consecutive, otherwise a list."""
    first, last = seeds[0], seeds[-1]
    is_range = len(seeds) > 1 and list(seeds) == list(range(first, last + 1))
    return f"{first}–{last}" if is_range else " ".join(map(str, seeds))


def show_summary(summaries: Sequence[ScoreSummary]) -> None:
    """Print the most important scores of each setting: mean ± standard deviation over seeds."""
    scores = [score for score in SUMMARY_SCORES if any(summary.score == score for summary in summaries)]
    by_cell = {(summary.setting, summary.score): summary for summary in summaries}
    table = Table(title="Mean ± standard deviation over seeds")
    table.add_column("setting", overflow="fold", min_width=10)
    table.add_column("seeds", justify="right")
    for score in scores:
        table.add_column(score, justify="right")
    for setting in dict.fromkeys(summary.setting for summary in summaries):
        cells = [by_cell.get((setting, score)) for score in scores]
        count = max(len(cell.values) for cell in cells if cell) if any(cells) else 0
        table.add_row(setting, str(count), *(mean_and_std(cell) if cell else "" for cell in cells))
    result.print(table)


def mean_and_std(summary: ScoreSummary) -> str:
    """Return the mean and the standard deviation as text."""
    places = 3 if abs(summary.mean) < 10 else 1 if abs(summary.mean) < 1000 else 0
    return f"{summary.mean:,.{places}f}" + ("" if summary.std is None else f" ± {summary.std:,.{places}f}")


def show_ranking(files: Sequence[Path], ranking: Sequence[float]) -> None:
    """Print one row per model, in order of decreasing UDR."""
    table = Table(title="Unsupervised disentanglement ranking (UDR): similarity to the other models")
    table.add_column("checkpoint", overflow="fold")
    table.add_column("UDR ↑", justify="right")
    for score, path in sorted(zip(ranking, files, strict=True), reverse=True):
        table.add_row(str(path), f"{score:.4f}")
    result.print(table)


def score_table(scores: Scores, width: int) -> Table:
    """Return a table of scores and descriptions; on narrow terminals each description is below its score."""
    from bvae_cli.evaluation.descriptions import DESCRIPTIONS

    is_wide = width >= WIDE
    table = Table(title="Scores")
    table.add_column("score", no_wrap=is_wide)
    table.add_column("value", justify="right", no_wrap=True)
    if is_wide:
        table.add_column("meaning")
    for name, value in scores.values.items():
        uncertainty = (scores.stds | scores.stderrs).get(name)
        number = f"{value:.4g}" + (f" ± {uncertainty:.2g}" if uncertainty else "")
        if is_wide:
            table.add_row(name, number, DESCRIPTIONS[name])
        else:
            table.add_row(Text.assemble(name, "\n", (DESCRIPTIONS[name], "dim")), number)
    return table
