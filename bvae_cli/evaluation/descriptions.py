"""One-line descriptions of scores: what is measured, unit or range, and the better direction."""

from bvae_cli.encoding import ACTIVE_THRESHOLD
from bvae_cli.metrics import METRICS

LOSS_DESCRIPTIONS = {
    "elbo": "evidence lower bound per image, nats ↑",
    "reconstruction_loss": "negative log-likelihood per image, summed over pixels, nats ↓",
    "kl": "KL divergence of posterior and prior per image, summed over latents, nats",
    "index_code_mi": "index-code mutual information I(x; z), nats, at most ln(number of images)",
    "total_correlation": "total correlation TC(z), the dependence between latents, nats ↓",
    "dimension_wise_kl": "dimension-wise KL, Σ_j KL(q(z_j) ‖ p(z_j)), nats ↓",
    "udr": "similarity of the latents to those of other models, 0–1 ↑",
    "active_units": f"number of active latents: KL ≥ {ACTIVE_THRESHOLD:g} nats",
}
DESCRIPTIONS = LOSS_DESCRIPTIONS | {
    name: words for metric in METRICS.values() for name, words in metric.descriptions.items()
}
"""By score; ↑ or ↓ at the end marks the better direction."""
