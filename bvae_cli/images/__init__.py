"""Storage, batching and streaming of images."""
