"""Summary sentences about a run: what was trained, and which factors its latents capture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.images.spec import SIDE, DataSpec
from bvae_cli.latents import Latent
from bvae_cli.objectives import OBJECTIVES
from bvae_cli.objectives.objective import Objective
from bvae_cli.objectives.schedule import Schedule, format_value

TITLES = {
    "vae": "A VAE",
    "beta_vae": "A β-VAE",
    "annealed_vae": "An AnnealedVAE (capacity-annealed β-VAE)",
    "factor_vae": "A FactorVAE",
    "beta_tcvae": "A β-TCVAE",
    "dip_vae_i": "A DIP-VAE-I",
    "dip_vae_ii": "A DIP-VAE-II",
    "info_vae": "An InfoVAE",
}
SYMBOLS = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "capacity": "C",
    "lambda_od": "λ_od",
    "lambda_d": "λ_d",
    "lambda_mmd": "λ",
}  # fmt: skip
MAX_NAMED = 4  # parameters named in a sentence, at most
MIN_CAPTURED_SHARE = 1 / 3  # normalised mutual information from which on a latent captures a factor


def summarize_run(checkpoint: Checkpoint) -> str:
    """Return two sentences about a run: objective, latents, steps and data; active latents and captured factors."""
    return f"{describe_origin(checkpoint)} {describe_outcome(checkpoint.latents, checkpoint.spec.factors)}"


def describe_origin(checkpoint: Checkpoint) -> str:
    """Return a sentence about the origin of a model: objective, latents, steps and data."""
    latents, data = count_noun(checkpoint.vae.latent_dim, "latent"), checkpoint.spec.name
    if checkpoint.imported_from:
        return f"A model with {latents}, imported from {checkpoint.imported_from}; its training settings are unknown."
    objective = checkpoint.params.objective
    name = next(name for name, cls in OBJECTIVES.items() if type(objective) is cls)
    title = TITLES.get(name, f"A model trained with the objective {name}")
    steps = count_noun(checkpoint.step, "step")
    return f"{title}{describe_hyperparameters(objective)} with {latents}, trained for {steps} on {data}."


def compressed_note(checkpoint: Checkpoint) -> str:
    """Return a sentence that a run was trained with a compressed schedule; empty if it was not."""
    train = checkpoint.params.train
    if checkpoint.imported_from or train.num_steps == train.steps:
        return ""
    return (
        f"Compressed schedule: {train.num_steps:,} steps instead of the {train.steps:,} of the experiment. All "
        "step-based settings (schedules, Adam warm-up, image logging) are compressed by the same factor. This is a "
        "quick preview of the experiment, not a reproduction."
    )


def compressed_notes(runs: Mapping[str, Checkpoint]) -> list[str]:
    """Return the notes on compressed schedules of runs by name, without the names if all runs share one note."""
    names_by_note: dict[str, list[str]] = {}
    for name, checkpoint in runs.items():
        names_by_note.setdefault(compressed_note(checkpoint), []).append(name)
    if len(names_by_note) == 1:
        return list(filter(None, names_by_note))
    return [f"{join_names(names)}: {note}" for note, names in names_by_note.items() if note]


def describe_hyperparameters(objective: Objective) -> str:
    """Return the hyperparameters that have a symbol in the papers, in parentheses; empty if there are none."""
    parts = [
        f"{SYMBOLS[name]} {describe_schedule(hyperparameter)}"
        for name, hyperparameter in vars(objective).items()
        if name in SYMBOLS
    ]
    return f" ({', '.join(parts)})" if parts else ""


def describe_schedule(hyperparameter: Schedule) -> str:
    """Return a constant as it is, and a schedule as its first and last value."""
    return (
        f"{hyperparameter[0][1]:g} → {hyperparameter[-1][1]:g}"
        if isinstance(hyperparameter, tuple)
        else format_value(hyperparameter)
    )


def describe_outcome(latents: Sequence[Latent], factors: Mapping[str, int]) -> str:
    """Return a sentence about the number of active latents and the factors that they capture."""
    if not latents:
        return "Its latents have no statistics."
    number = sum(latent.is_active for latent in latents)
    verb = "is" if 1 in {number, len(latents)} else "are"
    active = f"{number} of {count_noun(len(latents), 'latent')} {verb} active"
    if not factors:
        return f"{active}; the data set has no ground-truth factors."
    latents_by_factor = {
        name: [each for each in latents if each.top_factor == name] for name, size in factors.items() if size > 1
    }
    captured = [
        name
        for name, members in latents_by_factor.items()
        if has_dedicated_latent([latent.normalized_mi for latent in members])
    ]
    partial = [name for name, members in latents_by_factor.items() if members and name not in captured]
    missing = [name for name, members in latents_by_factor.items() if not members]
    clauses = [
        state_about(captured, "is captured by one latent", "are each captured by one latent"),
        state_about(partial, "is captured in part", "are captured in part"),
        state_about(missing, "is not captured", "are not captured"),
    ]
    return f"{active}; {', '.join(filter(None, clauses))}."


def has_dedicated_latent(shares: Sequence[float]) -> bool:
    """Return whether exactly one latent captures a factor, given the normalised mutual information of each latent.

    The second largest value must be less than half of the largest.
    """
    first, second, *_ = *sorted(shares, reverse=True), 0.0, 0.0
    return first >= MIN_CAPTURED_SHARE and second < first / 2


def state_about(names: Sequence[str], singular: str, plural: str) -> str:
    """Return a clause with the names as its subject; empty if there are no names."""
    return f"{join_names(names)} {singular if len(names) == 1 else plural}" if names else ""


def join_names(names: Sequence[str]) -> str:
    """Return names as an enumeration: a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def describe_images(spec: DataSpec) -> str:
    """Return the number of images of a data set, if known, with their colours and size."""
    noun = f"{'greyscale' if spec.channels == 1 else 'RGB'} image"
    images = count_noun(spec.num_images, noun) if spec.factors or spec.num_samples else f"{noun}s"
    return f"{images} of {SIDE} × {SIDE} pixels"


def count_noun(number: int, noun: str) -> str:
    """Return a number with its noun in the singular or plural."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def summarize_comparison(settings: int, runs: int, differing: Sequence[str]) -> str:
    """Return a sentence with the numbers of settings and runs, and the parameters that differ between settings."""
    if settings == 1:
        return f"{count_noun(runs, 'run')} of one setting, which differ only in the seed."
    total = f", {count_noun(runs, 'run')} in total" if settings < runs else ""
    names = list(differing)
    if len(names) > MAX_NAMED:
        names = [*names[: MAX_NAMED - 1], f"{len(names) - MAX_NAMED + 1} more"]
    return f"{count_noun(settings, 'setting')}{total}. They differ in {join_names(names)}."
