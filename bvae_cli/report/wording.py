"""What a run is, in two sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bvae_cli.checkpoint import Checkpoint
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
OWN = 1 / 3  # of a factor's entropy, from which on a latent is the factor's own


def summary(checkpoint: Checkpoint) -> str:
    """What was trained how long on what, and what came of it."""
    return f"{origin(checkpoint)} {outcome(checkpoint.latents, checkpoint.spec.factors)}"


def origin(checkpoint: Checkpoint) -> str:
    """What it is and where it comes from."""
    latents, data = count(checkpoint.vae.latent_dim, "latent"), checkpoint.spec.name
    if checkpoint.foreign:
        return f"A model with {latents}, imported from {checkpoint.foreign}; how it was trained is not known."
    objective = checkpoint.params.objective
    name = next(name for name, cls in OBJECTIVES.items() if type(objective) is cls)
    title = TITLES.get(name, f"A model by the objective {name}")
    return f"{title}{knobs_of(objective)} with {latents}, trained for {count(checkpoint.step, 'step')} on {data}."


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
    used = f"{sum(latent.used for latent in latents)} of the latents are used"
    if not factors:
        return f"{used}; the data has no known factors by which to name them."
    followers = {name: [each for each in latents if each.factor == name] for name, size in factors.items() if size > 1}
    own = [name for name, those in followers.items() if len(those) == 1 and those[0].share >= OWN]
    told = [
        told_of(own, "has a latent of its own", "have a latent each"),
        told_of(
            [name for name in followers if followers[name] and name not in own], "is told in part", "are told in part"
        ),
        told_of([name for name in followers if not followers[name]], "has no latent", "have none"),
    ]
    return f"{used}; {', '.join(filter(None, told))}."


def told_of(names: Sequence[str], one: str, several: str) -> str:
    """What is to be said of some names; nothing of none."""
    return f"{listed(names)} {one if len(names) == 1 else several}" if names else ""


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def count(number: int, noun: str) -> str:
    """So many of something."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
