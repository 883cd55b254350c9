"""Scores of codes, whoever made them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bvae_cli import config
from bvae_cli.evaluation.codes import Codes
from bvae_cli.metrics import METRICS, Metric
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.params import EvaluateParams
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import ProgressCallback

MIN_SAMPLES = 100  # samples, with fewer of which a score says nothing


@dataclass
class Scores:
    """What came of it."""

    values: dict[str, float] = field(default_factory=dict)  # by score, a mean over repeats
    stds: dict[str, float] = field(default_factory=dict)  # over repeats, where there is more than one
    stderrs: dict[str, float] = field(default_factory=dict)  # standard errors of means over some images
    seconds: dict[str, float] = field(default_factory=dict)  # by metric
    not_computed: dict[str, str] = field(default_factory=dict)  # by metric, why it is not there

    @classmethod
    def from_dict(cls, numbers: Mapping[str, float]) -> Scores:
        """The scores of what `to_dict` gives."""
        scores, spreads = cls(), {"_std": "stds", "_stderr": "stderrs"}
        for name, value in numbers.items():
            ending = next((ending for ending in spreads if name.endswith(ending)), "")
            getattr(scores, spreads.get(ending, "values"))[name.removesuffix(ending)] = value
        return scores

    def to_dict(self) -> dict[str, float]:
        """All in one, for a file."""
        spreads = {f"{name}_std": value for name, value in self.stds.items()}
        return self.values | spreads | {f"{name}_stderr": value for name, value in self.stderrs.items()}

    @contextmanager
    def time_block(self, name: str) -> Iterator[None]:
        """Note how long the work within takes."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started

    def add_metric(
        self, name: str, score: Callable[[np.random.Generator], dict[str, float]], settings: EvaluateParams
    ) -> None:
        """Score once for each repeat, each with a seed of its own; note why not where it cannot be done."""
        seeds = [[settings.seed, repeat] for repeat in range(settings.repeats)]
        try:
            with self.time_block(name):
                drawn = [score(np.random.default_rng(seed)) for seed in seeds]
        except BvaeError as error:
            self.not_computed[name] = error.message
            return
        for key in drawn[0]:
            values = [result[key] for result in drawn]
            self.values[key] = float(np.mean(values))
            if len(values) > 1:
                self.stds[key] = float(np.std(values, ddof=1))


def add_metrics(
    scores: Scores,
    wanted: Mapping[str, Metric],
    codes: Codes,
    truth: GroundTruth | None,
    settings: EvaluateParams,
    report: ProgressCallback,
) -> None:
    """Score codes by all of these metrics that can be; raises BvaeError where codes are not finite, or too few."""
    require_valid_codes(codes.mean)
    for done, (name, metric) in enumerate(wanted.items()):
        report(f"scoring {name}", done, len(wanted))
        scores.add_metric(name, partial(compute, metric, codes, truth, report), settings)
    report("scoring", len(wanted), len(wanted))


def compute(
    metric: Metric, codes: Codes, truth: GroundTruth | None, report: ProgressCallback, rng: np.random.Generator
) -> dict[str, float]:
    """A metric's scores; raises BvaeError where what is known is not enough for it."""
    if metric.is_supervised and truth is None:
        raise BvaeError("no factors are known")
    if metric.needs_logvar and codes.logvar is None:
        raise BvaeError("no posteriors are known, but codes alone")
    arrays = (codes.mean, codes.logvar) if metric.needs_logvar else (codes.mean,)
    return metric.score(*arrays, truth, rng, **({"report": report} if metric.is_slow else {}))


def select_metrics(names: Iterable[str]) -> Mapping[str, Metric]:
    """The metrics of these names, or the usual ones where none is named; raises BvaeError where there is no such."""
    for name in names:
        config.convert_choice("metric", name, METRICS)
    return {name: METRICS[name] for name in names} or {
        name: entry for name, entry in METRICS.items() if entry.is_default
    }


def require_valid_codes(codes: NDArray[np.float32]) -> None:
    """Raise BvaeError where codes cannot be scored."""
    if len(codes) < MIN_SAMPLES:
        raise BvaeError(
            f"there are only {len(codes)} samples", f"metrics need {MIN_SAMPLES} at least, better thousands."
        )
    if not np.isfinite(codes).all():
        where = int(np.flatnonzero(~np.isfinite(codes).all(axis=1))[0])
        raise BvaeError(f"codes are not all finite: see sample {where}", "leave such samples out, or train anew.")


def select_factors(truth: GroundTruth, names: Iterable[str]) -> GroundTruth:
    """The factors to score by: those named, or all, but for those of one value; raises BvaeError where none is left."""
    for name in names:
        config.convert_choice("factors", name, truth.names)
    left = (truth.select_factors(names) if names else truth).drop_constant()
    for name, size in zip(left.names, left.sizes, strict=True):
        if 2 * size > len(left):
            raise BvaeError(f"{name} has {size} values in {len(left)} samples: too many", "put them in bins first.")
    if len(left.names) < 2:
        raise BvaeError("fewer than two factors vary: there is nothing to be told apart", "score by more --factors.")
    return left
