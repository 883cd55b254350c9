"""β-VAE and its family: data, training, scores and pictures, each one command."""

__version__ = "0.1.0"
