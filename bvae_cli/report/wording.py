"""What a run is, in two sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bvae_cli.checkpoint import Checkpoint
from bvae_cli.datasets.spec import SIDE, DataSpec
from bvae_cli.latents import Latent
from bvae_cli.objectives import OBJECTIVES
from bvae_cli.objectives.objective import Objective
from bvae_cli.objectives.schedule import Knob, text_of

TITLES = {
    "vae": "A VAE",
    "beta": "A β-VAE",
    "capacity": "A β-VAE of controlled capacity",
    "factor": "A FactorVAE",
    "beta_tc": "A β-TCVAE",
    "dip_i": "A DIP-VAE-I",
    "dip_ii": "A DIP-VAE-II",
    "info": "An InfoVAE",
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
OWN = 1 / 3  # of a factor's entropy, from which on a latent is the factor's own


def summary(checkpoint: Checkpoint) -> str:
    """What was trained how long on what, and what came of it."""
    return f"{origin(checkpoint)} {outcome(checkpoint.latents, checkpoint.spec.factors)}"


def origin(checkpoint: Checkpoint) -> str:
    """What it is and where it comes from."""
    latents, data = counted(checkpoint.vae.latent_dim, "latent"), checkpoint.spec.name
    if checkpoint.foreign:
        return f"A model with {latents}, imported from {checkpoint.foreign}; how it was trained is not known."
    objective = checkpoint.params.objective
    name = next(name for name, cls in OBJECTIVES.items() if type(objective) is cls)
    title = TITLES.get(name, f"A model by the objective {name}")
    return f"{title}{knobs_of(objective)} with {latents}, trained for {counted(checkpoint.step, 'step')} on {data}."


def shortened(checkpoint: Checkpoint) -> str:
    """That a run is a short form, and of what; nothing of one that is none."""
    train = checkpoint.params.train
    if checkpoint.foreign or train.taken == train.steps:
        return ""
    return (
        f"This is a short form: {train.short:,} steps stand for the {train.steps:,} of the experiment, and "
        "all that is told in steps came as much earlier. It shows what the experiment is about, and reproduces nothing."
    )


def shortened_among(runs: Mapping[str, Checkpoint]) -> list[str]:
    """What is to be said of short forms among runs, by name; once, where it holds for all of them."""
    told: dict[str, list[str]] = {}
    for name, checkpoint in runs.items():
        told.setdefault(shortened(checkpoint), []).append(name)
    if len(told) == 1:
        return list(filter(None, told))
    return [f"{listed(names)}: {sentence}" for sentence, names in told.items() if sentence]


def knobs_of(objective: Objective) -> str:
    """The knobs that have a letter in the papers, in brackets."""
    told = [f"{SYMBOLS[name]} {course(knob)}" for name, knob in vars(objective).items() if name in SYMBOLS]
    return f" ({', '.join(told)})" if told else ""


def course(knob: Knob) -> str:
    """From where to where a knob goes."""
    return f"{knob[0][1]:g} → {knob[-1][1]:g}" if isinstance(knob, tuple) else text_of(knob)


def outcome(latents: Sequence[Latent], factors: Mapping[str, int]) -> str:
    """How many latents are used, and which factors have one of their own."""
    if not latents:
        return "What its latents tell of the data is not known."
    number = sum(latent.used for latent in latents)
    used = f"{number} of {counted(len(latents), 'latent')} {'are' if number > 1 else 'is'} used"
    if not factors:
        return f"{used}; the data has no known factors by which to name them."
    followers = {name: [each for each in latents if each.factor == name] for name, size in factors.items() if size > 1}
    own = [name for name, those in followers.items() if leads([latent.share for latent in those])]
    told = [
        told_of(own, "has a latent of its own", "have a latent each"),
        told_of(
            [name for name in followers if followers[name] and name not in own], "is told in part", "are told in part"
        ),
        told_of([name for name in followers if not followers[name]], "has no latent", "have none"),
    ]
    return f"{used}; {', '.join(filter(None, told))}."


def leads(shares: Sequence[float]) -> bool:
    """Whether one of some latents tells much of a factor, and the others not half as much."""
    first, second, *_ = *sorted(shares, reverse=True), 0.0, 0.0
    return first >= OWN and second < first / 2


def told_of(names: Sequence[str], one: str, several: str) -> str:
    """What is to be said of some names; nothing of none."""
    return f"{listed(names)} {one if len(names) == 1 else several}" if names else ""


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def pictures_of(spec: DataSpec) -> str:
    """How many pictures of which kind a data set has, as far as it is known."""
    number = f"{counted(spec.count, 'picture')} of" if spec.factors or spec.listed else "pictures of"
    return f"{number} {SIDE} × {SIDE} pixels in {'grey' if spec.channels == 1 else 'colour'}"


def counted(number: int, noun: str) -> str:
    """So many of something."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def compared(settings: int, runs: int, differing: Sequence[str]) -> str:
    """How many runs of how many settings stand side by side, and what differs between these."""
    if settings == 1:
        return f"{counted(runs, 'run')} of one setting: they differ in nothing but their seed."
    seeds = f", {counted(runs, 'run')} in all" if settings < runs else ""
    named = differing if len(differing) <= NAMED else [*differing[: NAMED - 1], f"{len(differing) - NAMED + 1} more"]
    return f"{counted(settings, 'setting')}{seeds}. They differ in {listed(named)}."
