"""Disentanglement metrics. To add one, write a module in this package and add it to `METRICS`."""

import math
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
"""Maps (images, latents) codes, log-variances if `needs_logvar`, ground truth and a generator to scores by name."""


@dataclass(frozen=True)
class Metric:
    """A metric and its properties."""

    score: MetricFunction
    descriptions: dict[str, str]  # what each score measures, unit or range; ↑ or ↓ marks the better direction
    is_supervised: bool = True  # whether it needs ground-truth factors
    needs_logvar: bool = False  # whether it needs posterior log-variances
    is_default: bool = True  # whether it is computed if no metric is named
    is_slow: bool = False  # whether it takes a progress callback `report`
    maximum: float = 1.0  # of each score; the minimum is 0


DCI = {
    "dci_disentanglement": "one factor per latent: 1 − entropy of a latent's importances, 0–1 ↑",
    "dci_completeness": "one latent per factor: 1 − entropy of a factor's importances, 0–1 ↑",
    "dci_informativeness": "accuracy of boosted trees predicting the factors, 0–1 ↑",
}
METRICS: dict[str, Metric] = {
    "aam": Metric(aam, {"aam": "mutual information of the top latent in excess of all others, 0–1 ↑"}),
    "dci": Metric(dci, DCI, is_slow=True),
    "dci_published": Metric(dci_published, DCI, is_default=False, is_slow=True),
    "explicitness": Metric(
        explicitness, {"explicitness": "ROC AUC of predicting factor values by logistic regression, 0.5–1 ↑"}
    ),
    "factor_vae_score": Metric(
        factor_vae_score,
        {"factor_vae_score": "accuracy of predicting the fixed factor from the lowest-variance latent, 0–1 ↑"},
    ),
    "beta_vae_score": Metric(
        beta_vae_score, {"beta_vae_score": "accuracy of predicting the shared factor from |z₁ − z₂|, 0–1 ↑"}
    ),
    "beta_vae_score_published": Metric(
        beta_vae_score_published,
        {"beta_vae_score_published": "beta_vae_score with the classifier of Higgins et al. 2017, 0–1 ↑"},
        is_default=False,
    ),
    "irs": Metric(irs, {"irs": "robustness of latents to changes of the other factors, 0–1 ↑"}),
    "mig": Metric(mig, {"mig": "mutual information gap of the two top latents / factor entropy, 0–1 ↑"}),
    "mig_sampled": Metric(
        mig_sampled,
        {"mig_sampled": "mig with entropies estimated from posterior samples, 0–1 ↑"},
        needs_logvar=True,
        is_slow=True,
    ),
    "modularity": Metric(
        modularity, {"modularity": "degree to which each latent is informative about one factor, 0–1 ↑"}
    ),
    "sap": Metric(sap, {"sap": "accuracy gap between the two most predictive latents, 0–1 ↑"}),
    "unsupervised_metrics": Metric(
        unsupervised_metrics,
        {
            "gaussian_total_correlation": "total correlation of a Gaussian fitted to the codes, nats ↓",
            "gaussian_wasserstein_correlation_norm": (
                "squared Wasserstein distance to uncorrelated codes / variance, 0–2 ↓"
            ),
            "mutual_info_score": "mean pairwise mutual information between latents, nats ↓",
        },
        is_supervised=False,
        maximum=math.inf,
    ),
}
