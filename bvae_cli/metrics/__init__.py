"""Scores of a representation. To add one: a file here, and a line in the table."""

from collections.abc import Callable
from dataclasses import dataclass

from bvae_cli.metrics.aam import aam
from bvae_cli.metrics.beta_vae_score import beta_vae_score
from bvae_cli.metrics.beta_vae_score_published import beta_vae_score_published
from bvae_cli.metrics.dci import dci, dci_published
from bvae_cli.metrics.explicitness import explicitness
from bvae_cli.metrics.factor_vae_score import factor_vae_score
from bvae_cli.metrics.irs import irs
from bvae_cli.metrics.mig import mig
from bvae_cli.metrics.mig_sampled import mig_sampled
from bvae_cli.metrics.modularity import modularity
from bvae_cli.metrics.sap import sap
from bvae_cli.metrics.unsupervised_metrics import unsupervised_metrics

MetricFunction = Callable[..., dict[str, float]]
"""Codes (images, latents), where it is of posteriors their log-variances, the Truth of the same images, a Generator."""


@dataclass(frozen=True)
class Metric:
    """An entry of the table."""

    score: MetricFunction
    descriptions: dict[str, str]  # of each score, in a few words, and which way is better
    is_supervised: bool = True  # whether it needs factors
    needs_logvar: bool = False  # whether it needs log-variances beside the codes
    is_default: bool = True  # whether it is scored where none is asked for by name
    is_slow: bool = False  # whether it takes a Report to say how far it is


DCI = {
    "dci_disentanglement": "one factor a latent ↑",
    "dci_completeness": "one latent a factor ↑",
    "dci_informativeness": "factors told, trees ↑",
}
METRICS: dict[str, Metric] = {
    "aam": Metric(aam, {"aam": "one latent, others silent ↑"}),
    "dci": Metric(dci, DCI, is_slow=True),
    "dci_published": Metric(dci_published, DCI, is_default=False, is_slow=True),
    "explicitness": Metric(explicitness, {"explicitness": "values told, linearly ↑"}),
    "factor_vae_score": Metric(factor_vae_score, {"factor_vae_score": "held factor, stillest latent ↑"}),
    "beta_vae_score": Metric(beta_vae_score, {"beta_vae_score": "shared factor told ↑"}),
    "beta_vae_score_published": Metric(
        beta_vae_score_published, {"beta_vae_score_published": "the same, as published ↑"}, is_default=False
    ),
    "irs": Metric(irs, {"irs": "unmoved by others ↑"}),
    "mig": Metric(mig, {"mig": "best latent's lead ↑"}),
    "mig_sampled": Metric(mig_sampled, {"mig_sampled": "the same, of samples ↑"}, needs_logvar=True, is_slow=True),
    "modularity": Metric(modularity, {"modularity": "no second factor ↑"}),
    "sap": Metric(sap, {"sap": "best predictor's lead ↑"}),
    "unsupervised_metrics": Metric(
        unsupervised_metrics,
        {
            "gaussian_total_correlation": "latents' dependence, nats ↓",
            "gaussian_wasserstein_correlation_norm": "latents' correlation, relative ↓",
            "mutual_info_score": "latents share, nats ↓",
        },
        is_supervised=False,
    ),
}
