"""Latent explorer: a self-contained HTML page with the weights of a model and one slider per latent."""
