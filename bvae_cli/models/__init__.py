"""The networks, and the variational autoencoder built from them."""
