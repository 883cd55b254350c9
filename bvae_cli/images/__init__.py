"""How images are stored, batched and streamed."""
