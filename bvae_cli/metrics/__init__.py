"""Disentanglement metrics. To add one, write a module in this package and add it to `METRICS`."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from bvae_cli.metrics.aam import aam
from bvae_cli.metrics.beta_vae_score import beta_vae_score
from bvae_cli.metrics.beta_vae_score_published import beta_vae_score_published
from bvae_cli.metrics.dci import dci, dci_published
from bvae_cli.metrics.dci_es import dci_es
from bvae_cli.metrics.dcimig import dcimig
from bvae_cli.metrics.downstream import SIZES, downstream_boosting, downstream_logistic
from bvae_cli.metrics.explicitness import explicitness
from bvae_cli.metrics.factor_vae_score import factor_vae_score
from bvae_cli.metrics.infomec import infomec
from bvae_cli.metrics.irs import irs
from bvae_cli.metrics.jemmig import jemmig
from bvae_cli.metrics.mcc import mcc
from bvae_cli.metrics.mig import mig
from bvae_cli.metrics.mig_sampled import mig_sampled
from bvae_cli.metrics.mig_sup import mig_sup
from bvae_cli.metrics.modularity import modularity
from bvae_cli.metrics.sap import sap
from bvae_cli.metrics.strong_generalisation import strong_generalisation
from bvae_cli.metrics.unfairness import unfairness
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


def describe_downstream(name: str, classifier: str) -> dict[str, str]:
    """Return the descriptions of the accuracies of a classifier by number of labels, and of its efficiency."""
    accuracies = {
        f"{name}_{size}": f"accuracy of {classifier} predicting the factors from {size:,} labels, 0–1 ↑"
        for size in SIZES
    }
    return accuracies | {f"{name}_efficiency": "accuracy with 100 labels / accuracy with 10,000 ↑"}


METRICS: dict[str, Metric] = {
    "aam": Metric(aam, {"aam": "mutual information of the top latent in excess of all others, 0–1 ↑"}),
    "dci": Metric(dci, DCI, is_slow=True),
    "dci_published": Metric(dci_published, DCI, is_default=False, is_slow=True),
    "dci_es": Metric(
        dci_es,
        {"dci_es_explicitness": "how little depth forests need to predict the factors, 0–1 ↑"},
        is_default=False,
        is_slow=True,
    ),
    "dcimig": Metric(dcimig, {"dcimig": "information in latents that encode one factor / factor entropies, 0–1 ↑"}),
    "downstream_boosting": Metric(
        downstream_boosting,
        describe_downstream("downstream_boosting", "boosted trees"),
        is_default=False,
        is_slow=True,
    ),
    "downstream_logistic": Metric(
        downstream_logistic,
        describe_downstream("downstream_logistic", "a logistic regression"),
        is_default=False,
        is_slow=True,
    ),
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
    "infomec": Metric(
        infomec,
        {
            "info_modularity": "InfoM: one factor per latent, by shares of mutual information, 0–1 ↑",
            "info_explicitness": "InfoE: information of a linear model about the factors / their entropy, 0–1 ↑",
            "info_compactness": "InfoC: one latent per factor, by shares of mutual information, 0–1 ↑",
        },
        is_default=False,
        is_slow=True,
    ),
    "irs": Metric(irs, {"irs": "robustness of latents to changes of the other factors, 0–1 ↑"}),
    "jemmig": Metric(jemmig, {"jemmig": "1 − joint entropy minus mutual information gap, normalised (JEMMIG), 0–1 ↑"}),
    "mcc": Metric(
        mcc,
        {
            "mcc_pearson": "mean correlation of each factor with the latent assigned to it, 0–1 ↑",
            "mcc_pearson_null": "mcc_pearson of shuffled images: what chance alone gives, 0–1",
            "mcc_spearman": "mean rank correlation of each factor with the latent assigned to it, 0–1 ↑",
            "mcc_spearman_null": "mcc_spearman of shuffled images: what chance alone gives, 0–1",
        },
    ),
    "mig": Metric(mig, {"mig": "mutual information gap of the two top latents / factor entropy, 0–1 ↑"}),
    "mig_sampled": Metric(
        mig_sampled,
        {"mig_sampled": "mig with entropies estimated from posterior samples, 0–1 ↑"},
        needs_logvar=True,
        is_slow=True,
    ),
    "mig_sup": Metric(mig_sup, {"mig_sup": "information gap of the two top factors of a latent, 0–1 ↑"}),
    "modularity": Metric(
        modularity, {"modularity": "degree to which each latent is informative about one factor, 0–1 ↑"}
    ),
    "sap": Metric(sap, {"sap": "accuracy gap between the two most predictive latents, 0–1 ↑"}),
    "strong_generalisation": Metric(
        strong_generalisation,
        {
            "strong_generalisation_accuracy": "accuracy where another factor has values not trained on, 0–1 ↑",
            "strong_generalisation_gap": "1 − that accuracy / accuracy without a shift ↓",
        },
        is_default=False,
        is_slow=True,
    ),
    "unfairness": Metric(
        unfairness,
        {
            "unfairness": "dependence of predicted factors on other factors, total variation, 0–1 ↓",
            "unfairness_null": "unfairness of shuffled predictions: what chance alone gives, 0–1",
        },
        is_default=False,
        is_slow=True,
    ),
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
