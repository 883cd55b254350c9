"""What each score means, in a few words, and which way is better."""

from bvae_cli.encoding import ACTIVE_THRESHOLD
from bvae_cli.metrics import METRICS

LOSS_DESCRIPTIONS = {
    "elbo": "evidence bound, nats ↑",
    "reconstruction_loss": "of a picture, nats ↓",
    "kl": "told of a picture, nats",
    "index_code_mi": "of it, of picture and code",
    "total_correlation": "of it, of the latents ↓",
    "dimension_wise_kl": "of it, each from its prior ↓",
    "udr": "alike in other runs ↑",
    "active_units": f"KL from {ACTIVE_THRESHOLD:g} nats on",
}
DESCRIPTIONS = LOSS_DESCRIPTIONS | {
    name: words for metric in METRICS.values() for name, words in metric.descriptions.items()
}
"""By score; an arrow at the end says which way is better."""
