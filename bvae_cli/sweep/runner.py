"""Main loop of a sweep: train and evaluate all unfinished models of a study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bvae_cli.images.spec import DataSpec
from bvae_cli.images.stream import open_stream
from bvae_cli.sweep.executor import Executor
from bvae_cli.sweep.study import Study, Trial
from bvae_cli.sweep.worker import RESUME_HINT, ModelStatus
from bvae_cli.system.errors import BvaeError, InterruptionError
from bvae_cli.system.files import lock_folder
from bvae_cli.system.interruption import defer_signals
from bvae_cli.training.model_batch import batching_key


def run_sweep(study: Study, executor: Executor, models_per_batch: int = 1) -> Iterator[ModelStatus]:
    """Train and evaluate the unfinished models of a study, each in its own run folder; yield their status.

    Args:
        study: the study.
        executor: starts the workers.
        models_per_batch: maximum number of models trained jointly.

    Raises:
        BvaeError: the study is running in another process, or its data file is not found or does not fit into memory.
        InterruptionError: SIGINT or SIGTERM arrived; all models have saved their state.
    """
    with lock_folder(study.folder), defer_signals() as pending_signal:
        unfinished = []
        for status in trial_statuses(study, executor.worker_spec.data):
            if status.is_finished:
                yield status
            else:
                unfinished.append(status.trial)
        with executor.start(make_batches(unfinished, models_per_batch), study.folder) as workers:
            yield from workers.statuses(pending_signal)
        if number := pending_signal():
            raise InterruptionError(number, f"stopped; running models are saved in {study.folder}", RESUME_HINT)


def trial_statuses(study: Study, data: Path) -> Iterator[ModelStatus]:
    """Yield the status of each model before training: finished, unfinished, or failed if its folder is unusable."""
    specs = {name: data_spec(data, name) for name in {trial.params.dataset.name for trial in study.trials}}
    for trial in study.trials:
        try:
            is_finished = trial.is_finished(specs[trial.params.dataset.name])
            yield ModelStatus(trial, trial.params.train.num_steps, is_finished=is_finished)
        except BvaeError as error:
            yield ModelStatus(trial, is_finished=True, failure=error.message)


def data_spec(folder: Path, name: str) -> DataSpec | None:
    """Return the specification of a data set, or None if its data file cannot be read."""
    try:
        return open_stream(folder, name).spec
    except BvaeError:
        return None


def make_batches(trials: Sequence[Trial], models_per_batch: int) -> list[list[Trial]]:
    """Return batches of models that can be trained jointly; a model with a compiled step is a batch of one."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        suffix = trial.name if trial.params.train.compile else ""
        groups.setdefault(batching_key(trial.params) + suffix, []).append(trial)
    return [
        group[start : start + models_per_batch]
        for group in groups.values()
        for start in range(0, len(group), models_per_batch)
    ]
