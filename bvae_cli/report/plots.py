"""Which curves are shown, of one run and of several, and what is said of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from bvae_cli import config
from bvae_cli.latents import Latent
from bvae_cli.objectives.objective import Objective
from bvae_cli.params import TrainParams
from bvae_cli.report.animations import MAX_LATENTS
from bvae_cli.report.charts import FAINT, Line, LineStyle, line_chart, line_styles
from bvae_cli.report.run_files import KL_TERMS, Curves

PLAIN = LineStyle()
CAPTIONS = {
    "loss": "What training minimises; it moves with the knobs, too.",
    "reconstruction_loss": (
        "The part of the loss that says how far pictures are from what is drawn of them, nats a picture."
    ),
    "kl": "How much all latents together tell of a picture, nats.",
}
LOG_SCALE = {"loss", "reconstruction_loss"}  # which fall by a hundred times in the first steps
TITLES = {"loss": "Loss", "reconstruction_loss": "Reconstruction loss", "kl": "KL divergence"}


@dataclass(frozen=True)
class Plot:
    """A chart with what stands beside it."""

    title: str
    description: str
    svg: Markup
    legend: Sequence[tuple[LineStyle, str]] = ()


def plots_of(curves: Curves, latents: Sequence[Latent], objective: Objective) -> list[Plot]:
    """The curves of a run: losses, the KL of each latent, its parts where they are known, and the knobs that move."""
    losses = [make_plot(name, TITLES[name], words, [curve(curves, name)]) for name, words in CAPTIONS.items()]
    parts = [kl_decomposition_plot(curves)] if KL_TERMS[0] in curves.columns else []
    hyperparameters = [
        make_plot(name, name, hyperparameter_help(objective, name), [curve(curves, name)])
        for name in scheduled_hyperparameters(curves)
    ]
    return [*losses, latent_kl_plot(curves, latents), *parts, *hyperparameters]


def make_plot(
    name: str,
    title: str,
    words: str,
    lines: Sequence[Line],
    legend: Sequence[tuple[LineStyle, str]] = (),
    across: str = "step",
) -> Plot:
    """A chart of lines over the steps or over a knob, which goes by a name of its own on the page."""
    described = f"{title} over {'the steps of training' if across == 'step' else across}"
    svg = line_chart(lines, f"chart-{name}", described, wide=name.partition("-")[0] in LOG_SCALE, across=across)
    return Plot(title, words, svg, legend)


def curve(curves: Curves, name: str, style: LineStyle = PLAIN) -> Line:
    """A column over the steps; where it says nothing of a step, as it was before."""
    told = ~np.isnan(curves.columns[name]) if name in KL_TERMS else np.ones_like(curves.steps, dtype=bool)
    return Line(curves.steps[told], curves.columns[name][told], style)


def latent_kl_plot(curves: Curves, latents: Sequence[Latent], across: str = "step") -> Plot:
    """The KL of each latent, those that are used in colours, over the steps or over a knob."""
    used = [latent for latent in latents if latent.is_active][:MAX_LATENTS]
    legend = [
        (style, f"z{latent.index} {latent.top_factor or ''}")
        for style, latent in zip(line_styles(), used, strict=False)
    ]
    coloured = [curve(curves, f"kl_{latent.index}", style) for (style, _), latent in zip(legend, used, strict=True)]
    others = sorted(set(range(len(latents))) - {latent.index for latent in used})
    faint = [curve(curves, f"kl_{index}", LineStyle(FAINT)) for index in others[:MAX_LATENTS]]
    shown = [*legend, *([(LineStyle(FAINT), "the others")] if faint else [])]
    words = "How much each latent tells of a picture, nats. One that stays at zero is unused."
    name = "latents" if across == "step" else f"latents-{across}"
    return make_plot(name, "KL divergence of each latent", words, [*faint, *coloured], shown, across)


def overlay_plots(runs: Sequence[tuple[Curves, LineStyle]], objectives: Sequence[Objective]) -> list[Plot]:
    """The curves of several runs, one over the other: losses, and the knobs that move in any of them.

    Args:
        runs: the curves of each, and how they are drawn.
        objectives: what each minimises.
    """
    told = [
        (name, hyperparameter_help(own, name))
        for (curves, _), own in zip(runs, objectives, strict=True)
        for name in scheduled_hyperparameters(curves)
    ]
    hyperparameters = {name: " ".join(dict.fromkeys(words for key, words in told if key == name)) for name, _ in told}
    drawn = {
        name: [curve(curves, name, style) for curves, style in runs if name in curves.columns]
        for name in (*CAPTIONS, *hyperparameters)
    }
    return [
        make_plot(name, TITLES.get(name, name), words, drawn[name])
        for name, words in (CAPTIONS | hyperparameters).items()
    ]


def kl_decomposition_plot(curves: Curves) -> Plot:
    """The parts of the KL, where they were estimated on the way."""
    legend = [
        (style, name.removeprefix("kl_").replace("_", " "))
        for style, name in zip(line_styles(), KL_TERMS, strict=False)
    ]
    lines = [curve(curves, name, style) for (style, _), name in zip(legend, KL_TERMS, strict=True)]
    return make_plot(
        "parts", "The KL divergence in its parts", "Estimated over all pictures now and then, nats.", lines, legend
    )


def scheduled_hyperparameters(curves: Curves) -> list[str]:
    """The knobs that are not held all the time."""
    return [name for name in curves.hyperparameters if len(set(curves.columns[name].tolist())) > 1]


def hyperparameter_help(objective: Objective, name: str) -> str:
    """What a knob is."""
    return str(config.field_info(TrainParams if name == "learning_rate" else type(objective), name)[1])
