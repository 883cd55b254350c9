"""A page on which a model's latents are moved by hand: its nets, its weights and all that it needs are in it."""
