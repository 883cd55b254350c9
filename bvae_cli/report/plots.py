"""Training curves of one run and of several runs, with their captions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from bvae_cli import config
from bvae_cli.latents import Latent
from bvae_cli.objectives.objective import Objective
from bvae_cli.params import TrainParams
from bvae_cli.report.animations import MAX_LATENTS
from bvae_cli.report.charts import GREY, Line, LineStyle, line_chart, line_styles
from bvae_cli.report.run_files import KL_TERMS, Curves

DEFAULT_STYLE = LineStyle()
CAPTIONS = {
    "loss": "The minimised objective, averaged over images. It also changes with scheduled hyperparameters.",
    "reconstruction_loss": "Negative log-likelihood −log p(x|z) of the images under the decoder, nats per image.",
    "kl": "KL(q(z|x) ‖ p(z)) summed over all latents, nats per image.",
}
LOG_SCALE = {"loss", "reconstruction_loss"}  # they decrease by a factor of 100 in the first steps
KL_TITLES = ("index-code mutual information", "total correlation", "dimension-wise KL")  # in the order of KL_TERMS
TITLES = {"loss": "Loss", "reconstruction_loss": "Reconstruction loss", "kl": "KL divergence"}


@dataclass(frozen=True)
class Plot:
    """A chart with its title, caption and legend."""

    title: str
    description: str
    svg: Markup
    legend: Sequence[tuple[LineStyle, str]] = ()


def plots_of(curves: Curves, latents: Sequence[Latent], objective: Objective) -> list[Plot]:
    """Return the plots of a run: losses, KL per latent, KL decomposition if logged, scheduled hyperparameters."""
    losses = [make_plot(name, TITLES[name], caption, [curve(curves, name)]) for name, caption in CAPTIONS.items()]
    decomposition = [kl_decomposition_plot(curves)] if KL_TERMS[0] in curves.columns else []
    hyperparameters = [
        make_plot(name, name, hyperparameter_help(objective, name), [curve(curves, name)])
        for name in scheduled_hyperparameters(curves)
    ]
    return [*losses, latent_kl_plot(curves, latents), *decomposition, *hyperparameters]


def make_plot(
    name: str,
    title: str,
    caption: str,
    lines: Sequence[Line],
    legend: Sequence[tuple[LineStyle, str]] = (),
    x_label: str = "step",
) -> Plot:
    """Return a plot of lines over training steps or over a hyperparameter; `name` must be unique on the page."""
    description = f"{title} over {'training steps' if x_label == 'step' else x_label}"
    log_scale = name.partition("-")[0] in LOG_SCALE
    svg = line_chart(lines, f"chart-{name}", description, log_scale=log_scale, x_label=x_label)
    return Plot(title, caption, svg, legend)


def curve(curves: Curves, name: str, style: LineStyle = DEFAULT_STYLE) -> Line:
    """Return a column as a line over the steps; steps at which a KL term was not estimated are skipped."""
    rows = ~np.isnan(curves.columns[name]) if name in KL_TERMS else np.ones_like(curves.steps, dtype=bool)
    return Line(curves.steps[rows], curves.columns[name][rows], style)


def latent_kl_plot(curves: Curves, latents: Sequence[Latent], x_label: str = "step") -> Plot:
    """Return the plot of the KL of each latent, active ones coloured, over training steps or a hyperparameter."""
    active = [latent for latent in latents if latent.is_active][:MAX_LATENTS]
    legend = [
        (style, f"z{latent.index} {latent.top_factor or ''}")
        for style, latent in zip(line_styles(), active, strict=False)
    ]
    coloured = [curve(curves, f"kl_{latent.index}", style) for (style, _), latent in zip(legend, active, strict=True)]
    others = sorted(set(range(len(latents))) - {latent.index for latent in active})
    grey = [curve(curves, f"kl_{index}", LineStyle(GREY)) for index in others[:MAX_LATENTS]]
    full_legend = [*legend, *([(LineStyle(GREY), "other latents")] if grey else [])]
    caption = "KL(q(z_j|x) ‖ p(z_j)) of each latent, nats per image. A latent whose KL stays at zero is collapsed."
    name = "latents" if x_label == "step" else f"latents-{x_label}"
    return make_plot(name, "KL divergence of each latent", caption, [*grey, *coloured], full_legend, x_label)


def overlay_plots(runs: Sequence[tuple[Curves, LineStyle]], objectives: Sequence[Objective]) -> list[Plot]:
    """Return plots with the curves of several runs: losses, and hyperparameters that are scheduled in any run.

    Args:
        runs: the curves and the line style of each run.
        objectives: the objective of each run.
    """
    helps = [
        (name, hyperparameter_help(objective, name))
        for (curves, _), objective in zip(runs, objectives, strict=True)
        for name in scheduled_hyperparameters(curves)
    ]
    hyperparameters = {name: " ".join(dict.fromkeys(text for key, text in helps if key == name)) for name, _ in helps}
    lines = {
        name: [curve(curves, name, style) for curves, style in runs if name in curves.columns]
        for name in (*CAPTIONS, *hyperparameters)
    }
    return [
        make_plot(name, TITLES.get(name, name), caption, lines[name])
        for name, caption in (CAPTIONS | hyperparameters).items()
    ]


def kl_decomposition_plot(curves: Curves) -> Plot:
    """Return the plot of the KL decomposition, estimated during training (Chen et al. 2018, equation 2)."""
    legend = list(zip(line_styles(), KL_TITLES, strict=False))
    lines = [curve(curves, name, style) for (style, _), name in zip(legend, KL_TERMS, strict=True)]
    return make_plot(
        "decomposition",
        "KL decomposition",
        "KL = I(x; z) + total correlation + dimension-wise KL, estimated periodically on all images, nats per image.",
        lines,
        legend,
    )


def scheduled_hyperparameters(curves: Curves) -> list[str]:
    """Return the names of the hyperparameters that change during training."""
    return [name for name in curves.hyperparameters if len(set(curves.columns[name].tolist())) > 1]


def hyperparameter_help(objective: Objective, name: str) -> str:
    """Return the help text of a hyperparameter."""
    return str(config.field_info(TrainParams if name == "learning_rate" else type(objective), name)[1])
