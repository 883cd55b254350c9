"""A study from where it is to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bvae_cli.sweep.crew import Crew
from bvae_cli.sweep.study import Study, Trial
from bvae_cli.sweep.worker import News
from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.files import sole
from bvae_cli.system.interruption import postponed
from bvae_cli.training.stack import kind

AGAIN = "the same command goes on."


def sweep(study: Study, crew: Crew, together: int = 1) -> Iterator[News]:
    """Train and score what is not finished, saying how it goes; each model is a run in a folder of its own.

    Args:
        study: what to train.
        crew: who does it.
        together: of how many models of one kind a step is taken at once.

    Raises:
        BvaeError: the study is under way elsewhere, or its data are not there or do not fit into memory.
        InterruptionError: SIGINT or SIGTERM came; what was done is saved.
    """
    with sole(study.folder), postponed() as asked:
        left = []
        for trial in study.trials:
            news = state_of(trial)
            if news.over:
                yield news
            else:
                left.append(trial)
        with crew.at(stacks_of(left, together), study.folder) as makers:
            yield from makers.news(asked)
        if number := asked():
            raise InterruptionError(number, f"stopped; what was under way in {study.folder} is saved", AGAIN)


def state_of(trial: Trial) -> News:
    """Whether a model is over, or can never be, before anything is done."""
    try:
        return News(trial, trial.params.train.taken, over=trial.finished())
    except BvaeError as error:
        return News(trial, over=True, failure=error.message)


def stacks_of(trials: Sequence[Trial], most: int) -> list[list[Trial]]:
    """The models of each kind, so many together at most."""
    kinds: dict[str, list[Trial]] = {}
    for trial in trials:
        kinds.setdefault(kind(trial.params), []).append(trial)
    return [alike[start : start + most] for alike in kinds.values() for start in range(0, len(alike), most)]
