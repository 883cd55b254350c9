"""Sweeps: training and evaluation of a study, a grid of settings with several seeds each."""
