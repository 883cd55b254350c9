"""Distribution of the classifiers of a metric over processes."""

from collections.abc import Callable, Iterator, Sequence
from itertools import starmap
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bvae_cli.system.parallel import map_in_processes

MIN_PARALLEL_WORK = 200_000  # images × classes; the training on fewer takes no longer than starting processes

Task = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], int]
"""Training codes, (images, latents), their classes, (images,), test codes, and a seed."""
Result = TypeVar("Result")


def run_tasks(classifier: Callable[..., Result], tasks: Sequence[Task]) -> Iterator[Result]:
    """Yield `classifier(*task)` for each task, in order; large tasks are divided over processes."""
    work = sum(len(values) * int(values.max() + 1) for _, values, *_ in tasks)
    arguments: Sequence[tuple[Any, ...]] = tasks
    yield from map_in_processes(classifier, arguments) if work >= MIN_PARALLEL_WORK else starmap(classifier, arguments)
