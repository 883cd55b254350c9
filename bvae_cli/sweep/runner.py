"""A study from where it is to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bvae_cli.sweep.executor import Executor
from bvae_cli.sweep.study import Study, Trial
from bvae_cli.sweep.worker import ModelStatus
from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.files import lock_folder
from bvae_cli.system.interruption import defer_signals
from bvae_cli.training.model_batch import batching_key

RESUME_HINT = "the same command goes on."


def run_sweep(study: Study, executor: Executor, together: int = 1) -> Iterator[ModelStatus]:
    """Train and score what is not finished, saying how it goes; each model is a run in a folder of its own.

    Args:
        study: what to train.
        executor: who does it.
        together: of how many models of one kind a step is taken at once.

    Raises:
        BvaeError: the study is under way elsewhere, or its data are not there or do not fit into memory.
        InterruptionError: SIGINT or SIGTERM came; what was done is saved.
    """
    with lock_folder(study.folder), defer_signals() as pending_signal:
        unfinished = []
        for trial in study.trials:
            news = trial_status(trial)
            if news.is_finished:
                yield news
            else:
                unfinished.append(trial)
        with executor.start(make_batches(unfinished, together), study.folder) as makers:
            yield from makers.statuses(pending_signal)
        if number := pending_signal():
            raise InterruptionError(number, f"stopped; what was under way in {study.folder} is saved", RESUME_HINT)


def trial_status(trial: Trial) -> ModelStatus:
    """Whether a model is over, or can never be, before anything is done."""
    try:
        return ModelStatus(trial, trial.params.train.num_steps, is_finished=trial.is_finished())
    except BvaeError as error:
        return ModelStatus(trial, is_finished=True, failure=error.message)


def make_batches(trials: Sequence[Trial], most: int) -> list[list[Trial]]:
    """The models of each kind, so many together at most; one whose step is compiled is alone."""
    kinds: dict[str, list[Trial]] = {}
    for trial in trials:
        alone = trial.name if trial.params.train.compile else ""
        kinds.setdefault(batching_key(trial.params) + alone, []).append(trial)
    return [group[start : start + most] for group in kinds.values() for start in range(0, len(group), most)]
