"""What each score means, in a few words, and which way is better."""

from bvae_cli.encoding import UNUSED
from bvae_cli.metrics import METRICS

LOSSES = {
    "elbo": "evidence bound, nats ↑",
    "reconstruction": "of a picture, nats ↓",
    "kl": "told of a picture, nats",
    "kl_mutual_information": "of it, of picture and code",
    "kl_total_correlation": "of it, of the latents ↓",
    "kl_dimension_wise": "of it, each from its prior ↓",
    "udr": "alike in other runs ↑",
    "latents_used": f"KL from {UNUSED:g} nats on",
}
MEANINGS = LOSSES | {name: words for metric in METRICS.values() for name, words in metric.meanings.items()}
"""By score; an arrow at the end says which way is better."""
