"""Intervals in steps of the full schedule, which a time-compressed run passes in fewer steps of its own."""

from bvae_cli.params import TrainParams


def has_crossed_interval(train: TrainParams, interval: int, previous_step: int, step: int) -> bool:
    """Return whether a multiple of `interval` lies after `previous_step` and not after `step`; 0 is no interval."""
    if interval == 0:
        return False
    return train.reference_step(step) // interval > train.reference_step(previous_step) // interval
