"""Figures of a trained model: latent traversals and reconstructions."""
