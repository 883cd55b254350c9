"""Evaluation of models, and of representations made by other programs."""
