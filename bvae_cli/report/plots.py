"""Which curves are shown, of one run and of several, and what is said of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from bvae_cli import config
from bvae_cli.latents import Latent
from bvae_cli.objectives.objective import Objective
from bvae_cli.params import Train
from bvae_cli.report.charts import FAINT, Line, Look, chart, looks
from bvae_cli.report.films import FILMED
from bvae_cli.report.reading import PARTS, Curves

PLAIN = Look()
WORDS = {
    "loss": "What training minimises; it moves with the knobs, too.",
    "reconstruction": "The part of the loss that says how far pictures are from what is drawn of them, nats a picture.",
    "kl": "How much all latents together tell of a picture, nats.",
}
WIDE = {"loss", "reconstruction"}  # which fall by a hundred times in the first steps
TITLES = {"loss": "Loss", "reconstruction": "Reconstruction loss", "kl": "KL divergence"}


@dataclass(frozen=True)
class Plot:
    """A chart with what stands beside it."""

    title: str
    words: str
    svg: Markup
    legend: Sequence[tuple[Look, str]] = ()


def plots_of(curves: Curves, latents: Sequence[Latent], objective: Objective) -> list[Plot]:
    """The curves of a run: losses, the KL of each latent, its parts where they are known, and the knobs that move."""
    losses = [plot(name, TITLES[name], words, [line(curves, name)]) for name, words in WORDS.items()]
    parts = [parts_of(curves)] if PARTS[0] in curves.columns else []
    knobs = [plot(name, name, knob_words(objective, name), [line(curves, name)]) for name in moving(curves)]
    return [*losses, each_latent(curves, latents), *parts, *knobs]


def plot(
    name: str,
    title: str,
    words: str,
    lines: Sequence[Line],
    legend: Sequence[tuple[Look, str]] = (),
    across: str = "step",
) -> Plot:
    """A chart of lines over the steps or over a knob, which goes by a name of its own on the page."""
    described = f"{title} over {'the steps of training' if across == 'step' else across}"
    svg = chart(lines, f"chart-{name}", described, wide=name.partition("-")[0] in WIDE, across=across)
    return Plot(title, words, svg, legend)


def line(curves: Curves, name: str, look: Look = PLAIN) -> Line:
    """A column over the steps; where it says nothing of a step, as it was before."""
    told = ~np.isnan(curves.columns[name]) if name in PARTS else np.ones_like(curves.steps, dtype=bool)
    return Line(curves.steps[told], curves.columns[name][told], look)


def each_latent(curves: Curves, latents: Sequence[Latent], across: str = "step") -> Plot:
    """The KL of each latent, those that are used in colours, over the steps or over a knob."""
    used = [latent for latent in latents if latent.used][:FILMED]
    legend = [(look, f"z{latent.index} {latent.factor or ''}") for look, latent in zip(looks(), used, strict=False)]
    coloured = [line(curves, f"kl_{latent.index}", look) for (look, _), latent in zip(legend, used, strict=True)]
    others = sorted(set(range(len(latents))) - {latent.index for latent in used})
    faint = [line(curves, f"kl_{index}", Look(FAINT)) for index in others[:FILMED]]
    shown = [*legend, *([(Look(FAINT), "the others")] if faint else [])]
    words = "How much each latent tells of a picture, nats. One that stays at zero is unused."
    name = "latents" if across == "step" else f"latents-{across}"
    return plot(name, "KL divergence of each latent", words, [*faint, *coloured], shown, across)


def overlaid(runs: Sequence[tuple[Curves, Look]], objectives: Sequence[Objective]) -> list[Plot]:
    """The curves of several runs, one over the other: losses, and the knobs that move in any of them.

    Args:
        runs: the curves of each, and how they are drawn.
        objectives: what each minimises.
    """
    told = [
        (name, knob_words(own, name))
        for (curves, _), own in zip(runs, objectives, strict=True)
        for name in moving(curves)
    ]
    knobs = {name: " ".join(dict.fromkeys(words for key, words in told if key == name)) for name, _ in told}
    drawn = {
        name: [line(curves, name, look) for curves, look in runs if name in curves.columns] for name in (*WORDS, *knobs)
    }
    return [plot(name, TITLES.get(name, name), words, drawn[name]) for name, words in (WORDS | knobs).items()]


def parts_of(curves: Curves) -> Plot:
    """The parts of the KL, where they were estimated on the way."""
    legend = [(look, name.removeprefix("kl_").replace("_", " ")) for look, name in zip(looks(), PARTS, strict=False)]
    lines = [line(curves, name, look) for (look, _), name in zip(legend, PARTS, strict=True)]
    return plot(
        "parts", "The KL divergence in its parts", "Estimated over all pictures now and then, nats.", lines, legend
    )


def moving(curves: Curves) -> list[str]:
    """The knobs that are not held all the time."""
    return [name for name in curves.knobs if len(set(curves.columns[name].tolist())) > 1]


def knob_words(objective: Objective, name: str) -> str:
    """What a knob is."""
    return str(config.declared(Train if name == "learning_rate" else type(objective), name)[1])
