"""What a model scores, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from bvae_cli.commands.console import notice, result

if TYPE_CHECKING:
    from bvae_cli.evaluation.evaluator import Evaluation
    from bvae_cli.evaluation.scoring import Scores
    from bvae_cli.latents import Latent
    from bvae_cli.sweep.results import ScoreSummary
    from bvae_cli.sweep.study import Study
    from bvae_cli.sweep.worker import ModelStatus

SHOWN = ("reconstruction_loss", "kl", "beta_vae_score", "mig", "udr")  # of a study, in eighty columns


def show_scores(done: Evaluation) -> None:
    """Print the tables, and what is not in them."""
    if done.latents:
        result.print(latent_table(done.latents))
    result.print(score_table(done.scores))
    for name, reason in done.scores.not_computed.items():
        result.print(f"{name}: not computed, {reason}", highlight=False, markup=False, soft_wrap=True)
    took = "  ".join(f"{name} {seconds:.1f}" for name, seconds in done.scores.seconds.items())
    if took:
        notice.print(f"seconds: {took}", highlight=False, soft_wrap=True)


def latent_table(latents: Sequence[Latent]) -> Table:
    """A row a latent."""
    table = Table(title="Which latent is which (KL and information in nats)")
    for heading in ("latent", "KL", "posterior variance", "follows", "information", "share"):
        table.add_column(heading, justify="left" if heading == "follows" else "right")
    for latent in latents:
        cells_of = (
            (f"{latent.mutual_information:.2f}", f"{latent.normalized_mi:.0%}") if latent.top_factor else ("", "")
        )
        row = [f"z{latent.index}", f"{latent.kl:.2f}", f"{latent.posterior_variance:.3f}", latent.label, *cells_of]
        table.add_row(*row, style="" if latent.is_active else "dim")
    return table


def show_datasets(folder: Path) -> None:
    """Print those of the table and those that lie in a folder: how many images, how large, by which factors, whose."""
    from bvae_cli.datasets.catalogue import list_datasets

    for entry in list_datasets(folder):
        count = f"{entry.spec.num_images:,} images" if entry.spec.num_images else ""
        fetched = f"fetches {entry.download_bytes / 1e6:,.0f} MB" if entry.download_bytes else ""
        here = f"here, {entry.file_bytes / 1e6:,.1f} MB" if entry.file_bytes else ""
        factors = ", ".join(f"{name} {size}" for name, size in entry.spec.factors.items())
        result.print(
            f"[bold]{escape(entry.spec.name):16}[/] {count:>16}   {fetched:16}   [green]{here}[/]", highlight=False
        )
        for line in filter(None, (factors, f"{entry.dataset.origin}; licence: {entry.dataset.licence}")):
            result.print(Padding(escape(line), (0, 0, 0, 2)), highlight=False, style="dim")


def show_study(study: Study, states: Sequence[ModelStatus], hours: float) -> None:
    """Print what a study trains, a row a setting, how far each model is, and how long the rest will take."""
    table = Table(title=f"{len(study.trials)} models in {study.folder}")
    table.add_column("setting", overflow="fold")
    for heading in ("seeds", "steps", "done", "under way", "failed", "to do"):
        table.add_column(heading, justify="right")
    for setting, trials in study.settings.items():
        own = [state for state in states if state.trial.setting == setting]
        failed = sum(bool(state.failure) for state in own)
        done = sum(state.is_finished for state in own) - failed
        begun = sum(not state.is_finished and (state.trial.folder / "last.pt").exists() for state in own)
        seeds = format_seeds([trial.params.train.seed for trial in trials])
        counts = [done, begun, failed, len(trials) - done - begun - failed]
        table.add_row(escape(setting), seeds, f"{trials[0].params.train.num_steps:,}", *map(str, counts))
    result.print(table)
    result.print(f"Training what is left takes some {hours:.2g} hours, by a few steps of each kind; scoring, on top.")


def format_seeds(numbers: Sequence[int]) -> str:
    """Numbers as they are said: 0–4, or each of them where they do not follow each other."""
    first, last = numbers[0], numbers[-1]
    following = len(numbers) > 1 and list(numbers) == list(range(first, last + 1))
    return f"{first}–{last}" if following else " ".join(map(str, numbers))


def show_summary(tallies: Sequence[ScoreSummary]) -> None:
    """Print the most important scores of each setting, mean ± standard deviation over its seeds."""
    scores = [score for score in SHOWN if any(tally.score == score for tally in tallies)]
    cells_of = {(tally.setting, tally.score): tally for tally in tallies}
    table = Table(title="Mean ± standard deviation over seeds")
    table.add_column("setting", overflow="fold", min_width=10)
    table.add_column("models", justify="right")
    for score in scores:
        table.add_column(score, justify="right")
    for setting in dict.fromkeys(tally.setting for tally in tallies):
        cells = [cells_of.get((setting, score)) for score in scores]
        count = max(len(tally.values) for tally in cells if tally) if any(cells) else 0
        table.add_row(escape(setting), str(count), *(mean_and_std(tally) if tally else "" for tally in cells))
    result.print(table)


def mean_and_std(tally: ScoreSummary) -> str:
    """A mean and its deviation."""
    places = 3 if abs(tally.mean) < 10 else 1 if abs(tally.mean) < 1000 else 0
    return f"{tally.mean:,.{places}f}" + ("" if tally.std is None else f" ± {tally.std:,.{places}f}")


def show_ranking(files: Sequence[Path], ranking: Sequence[float]) -> None:
    """Print a row a model, from the one most like the others to the one least like them."""
    table = Table(title="How much of each model the others have learnt too")
    table.add_column("checkpoint", overflow="fold")
    table.add_column("udr ↑", justify="right")
    for score, path in sorted(zip(ranking, files, strict=True), reverse=True):
        table.add_row(escape(str(path)), f"{score:.4f}")
    result.print(table)


def score_table(scores: Scores) -> Table:
    """A row a score: its value, what it means, and which way is better."""
    from bvae_cli.evaluation.descriptions import DESCRIPTIONS

    table = Table(title="Scores")
    table.add_column("score", no_wrap=True)
    table.add_column("value", justify="right")
    table.add_column("what it means")
    for name, value in scores.values.items():
        spread = (scores.stds | scores.stderrs).get(name)
        table.add_row(name, f"{value:.4g}" + (f" ± {spread:.2g}" if spread else ""), DESCRIPTIONS[name])
    return table
