"""Scores of a representation. To add one: a file here, and a line in the table."""

from collections.abc import Callable
from dataclasses import dataclass

from bvae_cli.metrics.aam import aam
from bvae_cli.metrics.dci import dci, dci_published
from bvae_cli.metrics.explicitness import explicitness
from bvae_cli.metrics.factor_vae import factor_vae
from bvae_cli.metrics.higgins import higgins
from bvae_cli.metrics.higgins_published import higgins_published
from bvae_cli.metrics.irs import irs
from bvae_cli.metrics.mig import mig
from bvae_cli.metrics.mig_sampled import mig_sampled
from bvae_cli.metrics.modularity import modularity
from bvae_cli.metrics.sap import sap
from bvae_cli.metrics.unsupervised import unsupervised

Score = Callable[..., dict[str, float]]
"""Codes (images, latents), where it is of posteriors their log-variances, the Truth of the same images, a Generator."""


@dataclass(frozen=True)
class Metric:
    """An entry of the table."""

    score: Score
    meanings: dict[str, str]  # of each score, in a few words, and which way is better
    supervised: bool = True  # whether it needs factors
    posterior: bool = False  # whether it needs log-variances beside the codes
    usual: bool = True  # whether it is scored where none is asked for by name
    slow: bool = False  # whether it takes a Report to say how far it is


DCI = {
    "dci_disentanglement": "one factor a latent ↑",
    "dci_completeness": "one latent a factor ↑",
    "dci_informativeness": "factors told, trees ↑",
}
METRICS: dict[str, Metric] = {
    "aam": Metric(aam, {"aam": "one latent, others silent ↑"}),
    "dci": Metric(dci, DCI, slow=True),
    "dci_published": Metric(dci_published, DCI, usual=False, slow=True),
    "explicitness": Metric(explicitness, {"explicitness": "values told, linearly ↑"}),
    "factor_vae": Metric(factor_vae, {"factor_vae": "held factor, stillest latent ↑"}),
    "higgins": Metric(higgins, {"higgins": "shared factor told ↑"}),
    "higgins_published": Metric(higgins_published, {"higgins_published": "the same, as published ↑"}, usual=False),
    "irs": Metric(irs, {"irs": "unmoved by others ↑"}),
    "mig": Metric(mig, {"mig": "best latent's lead ↑"}),
    "mig_sampled": Metric(mig_sampled, {"mig_sampled": "the same, of samples ↑"}, posterior=True, slow=True),
    "modularity": Metric(modularity, {"modularity": "no second factor ↑"}),
    "sap": Metric(sap, {"sap": "best predictor's lead ↑"}),
    "unsupervised": Metric(
        unsupervised,
        {
            "total_correlation": "latents' dependence, nats ↓",
            "wasserstein": "latents' correlation, relative ↓",
            "latent_information": "latents share, nats ↓",
        },
        supervised=False,
    ),
}
