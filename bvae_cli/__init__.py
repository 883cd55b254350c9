"""A toolkit for β-VAEs and related disentanglement methods: data, training, metrics, latent traversals, reports."""

__version__ = "0.1.0"
