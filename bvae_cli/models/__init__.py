"""Encoder, decoder and discriminator networks, likelihoods, and the variational autoencoder."""
