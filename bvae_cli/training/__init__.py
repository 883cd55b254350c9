"""Fitting a model: a run that can be watched, stopped and gone on with."""
