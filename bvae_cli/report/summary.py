"""What a run is, in two sentences."""

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
    "annealed_vae": "A β-VAE of controlled capacity",
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
NAMED = 4  # parameters in a sentence, at most
MIN_OWN_SHARE = 1 / 3  # of a factor's entropy, from which on a latent is the factor's own


def summarize_run(checkpoint: Checkpoint) -> str:
    """What was trained how long on what, and what came of it."""
    return f"{describe_origin(checkpoint)} {describe_outcome(checkpoint.latents, checkpoint.spec.factors)}"


def describe_origin(checkpoint: Checkpoint) -> str:
    """What it is and where it comes from."""
    latents, data = count_noun(checkpoint.vae.latent_dim, "latent"), checkpoint.spec.name
    if checkpoint.imported_from:
        return f"A model with {latents}, imported from {checkpoint.imported_from}; how it was trained is not known."
    objective = checkpoint.params.objective
    name = next(name for name, cls in OBJECTIVES.items() if type(objective) is cls)
    title = TITLES.get(name, f"A model by the objective {name}")
    steps = count_noun(checkpoint.step, "step")
    return f"{title}{describe_hyperparameters(objective)} with {latents}, trained for {steps} on {data}."


def compressed_note(checkpoint: Checkpoint) -> str:
    """That a run is a short form, and of what; nothing of one that is none."""
    train = checkpoint.params.train
    if checkpoint.imported_from or train.num_steps == train.steps:
        return ""
    return (
        f"This is a short form: {train.num_steps:,} steps stand for the {train.steps:,} of the experiment, and "
        "all that is told in steps came as much earlier. It shows what the experiment is about, and reproduces nothing."
    )


def compressed_notes(runs: Mapping[str, Checkpoint]) -> list[str]:
    """What is to be said of short forms among runs, by name; once, where it holds for all of them."""
    parts: dict[str, list[str]] = {}
    for name, checkpoint in runs.items():
        parts.setdefault(compressed_note(checkpoint), []).append(name)
    if len(parts) == 1:
        return list(filter(None, parts))
    return [f"{join_names(names)}: {sentence}" for sentence, names in parts.items() if sentence]


def describe_hyperparameters(objective: Objective) -> str:
    """The knobs that have a letter in the papers, in brackets."""
    parts = [
        f"{SYMBOLS[name]} {describe_schedule(hyperparameter)}"
        for name, hyperparameter in vars(objective).items()
        if name in SYMBOLS
    ]
    return f" ({', '.join(parts)})" if parts else ""


def describe_schedule(hyperparameter: Schedule) -> str:
    """From where to where a knob goes."""
    return (
        f"{hyperparameter[0][1]:g} → {hyperparameter[-1][1]:g}"
        if isinstance(hyperparameter, tuple)
        else format_value(hyperparameter)
    )


def describe_outcome(latents: Sequence[Latent], factors: Mapping[str, int]) -> str:
    """How many latents are used, and which factors have one of their own."""
    if not latents:
        return "What its latents tell of the data is not known."
    number = sum(latent.is_active for latent in latents)
    used = f"{number} of {count_noun(len(latents), 'latent')} {'are' if number > 1 else 'is'} used"
    if not factors:
        return f"{used}; the data has no known factors by which to name them."
    followers = {
        name: [each for each in latents if each.top_factor == name] for name, size in factors.items() if size > 1
    }
    own = [name for name, those in followers.items() if has_own_latent([latent.normalized_mi for latent in those])]
    parts = [
        state_about(own, "has a latent of its own", "have a latent each"),
        state_about(
            [name for name in followers if followers[name] and name not in own], "is told in part", "are told in part"
        ),
        state_about([name for name in followers if not followers[name]], "has no latent", "have none"),
    ]
    return f"{used}; {', '.join(filter(None, parts))}."


def has_own_latent(shares: Sequence[float]) -> bool:
    """Whether one of some latents tells much of a factor, and the others not half as much."""
    first, second, *_ = *sorted(shares, reverse=True), 0.0, 0.0
    return first >= MIN_OWN_SHARE and second < first / 2


def state_about(names: Sequence[str], one: str, several: str) -> str:
    """What is to be said of some names; nothing of none."""
    return f"{join_names(names)} {one if len(names) == 1 else several}" if names else ""


def join_names(names: Sequence[str]) -> str:
    """Names as a sentence has them: a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def describe_images(spec: DataSpec) -> str:
    """How many pictures of which kind a data set has, as far as it is known."""
    number = f"{count_noun(spec.num_images, 'picture')} of" if spec.factors or spec.num_samples else "pictures of"
    return f"{number} {SIDE} × {SIDE} pixels in {'grey' if spec.channels == 1 else 'colour'}"


def count_noun(number: int, noun: str) -> str:
    """So many of something."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def summarize_comparison(settings: int, runs: int, differing: Sequence[str]) -> str:
    """How many runs of how many settings stand side by side, and what differs between these."""
    if settings == 1:
        return f"{count_noun(runs, 'run')} of one setting: they differ in nothing but their seed."
    seeds = f", {count_noun(runs, 'run')} in all" if settings < runs else ""
    named = differing if len(differing) <= NAMED else [*differing[: NAMED - 1], f"{len(differing) - NAMED + 1} more"]
    return f"{count_noun(settings, 'setting')}{seeds}. They differ in {join_names(named)}."
