"""Computation of metrics of codes, from a model or from another program."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bvae_cli import config
from bvae_cli.evaluation.codes import Codes, require_moderate_size
from bvae_cli.metrics import METRICS, Metric
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.params import EvaluateParams
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import ProgressCallback

ROUNDING = 1e-3  # by which an estimate may exceed the range of a score
MIN_SAMPLES = 100  # samples; scores of fewer are meaningless


@dataclass
class Scores:
    """The results of an evaluation."""

    values: dict[str, float] = field(default_factory=dict)  # by score, averaged over repeats
    stds: dict[str, float] = field(default_factory=dict)  # standard deviation over repeats, if there is more than one
    stderrs: dict[str, float] = field(default_factory=dict)  # standard error of means over a sample of the images
    seconds: dict[str, float] = field(default_factory=dict)  # by metric
    not_computed: dict[str, str] = field(default_factory=dict)  # by metric or score, the reason

    @classmethod
    def from_dict(cls, numbers: Mapping[str, float]) -> Scores:
        """Build from the output of `to_dict`."""
        scores, fields = cls(), {"_std": "stds", "_stderr": "stderrs"}
        for name, value in numbers.items():
            suffix = next((suffix for suffix in fields if name.endswith(suffix)), "")
            getattr(scores, fields.get(suffix, "values"))[name.removesuffix(suffix)] = value
        return scores

    def to_dict(self) -> dict[str, float]:
        """Return values, standard deviations (`*_std`) and standard errors (`*_stderr`) in one dictionary."""
        stds = {f"{name}_std": value for name, value in self.stds.items()}
        return self.values | stds | {f"{name}_stderr": value for name, value in self.stderrs.items()}

    @contextmanager
    def time_block(self, name: str) -> Iterator[None]:
        """Record the duration of the block in seconds."""
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started

    def add_metric(
        self,
        name: str,
        score: Callable[[np.random.Generator], dict[str, float]],
        maximum: float,
        settings: EvaluateParams,
    ) -> None:
        """Compute a metric once per repeat, each with its own seed; record the reason if it cannot be computed.

        Scores outside 0 to `maximum` are not recorded. Whatever a metric raises, the other scores are kept.
        """
        seeds = [[settings.seed, repeat] for repeat in range(settings.repeats)]
        try:
            with self.time_block(name):
                results = [score(np.random.default_rng(seed)) for seed in seeds]
        except BvaeError as error:
            self.not_computed[name] = error.message
            return
        except Exception as error:  # of libraries, for example for a class with a single sample
            self.not_computed[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            return
        for key in results[0]:
            values = [result[key] for result in results]
            if not np.isfinite(values).all():
                self.not_computed[key] = "the result is NaN or infinite"
                continue
            if min(values) < -ROUNDING or max(values) > maximum + ROUNDING:
                self.not_computed[key] = f"the estimate, {np.mean(values):.3g}, is outside its range, 0 to {maximum:g}"
                continue
            self.values[key] = float(np.mean(values))
            if len(values) > 1:
                self.stds[key] = float(np.std(values, ddof=1))


def add_metrics(
    scores: Scores,
    metrics: Mapping[str, Metric],
    codes: Codes,
    truth: GroundTruth | None,
    settings: EvaluateParams,
    report: ProgressCallback,
) -> None:
    """Compute all metrics for which factors and posteriors suffice; raise BvaeError if the codes are invalid."""
    require_valid_codes(codes.mean)
    for done, (name, metric) in enumerate(metrics.items()):
        report(f"scoring {name}", done, len(metrics))
        scores.add_metric(name, partial(compute, metric, codes, truth, report), metric.maximum, settings)
    report("scoring", len(metrics), len(metrics))


def compute(
    metric: Metric, codes: Codes, truth: GroundTruth | None, report: ProgressCallback, rng: np.random.Generator
) -> dict[str, float]:
    """Compute a metric's scores; raise BvaeError if it needs factors or posteriors that are not known."""
    if metric.is_supervised and truth is None:
        raise BvaeError("no ground-truth factors are known")
    if metric.needs_logvar and codes.logvar is None:
        raise BvaeError("no posterior log-variances are known, only codes")
    arrays = (codes.mean, codes.logvar) if metric.needs_logvar else (codes.mean,)
    return metric.score(*arrays, truth, rng, **({"report": report} if metric.is_slow else {}))


def select_metrics(names: Iterable[str]) -> Mapping[str, Metric]:
    """Return the named metrics, or the default ones if there are no names; raise BvaeError if a name is not found."""
    for name in names:
        config.convert_choice("metric", name, METRICS)
    return {name: METRICS[name] for name in names} or {
        name: entry for name, entry in METRICS.items() if entry.is_default
    }


def require_valid_codes(codes: NDArray[np.float32]) -> None:
    """Raise BvaeError if there are too few codes, or codes that are NaN or infinite."""
    if len(codes) < MIN_SAMPLES:
        raise BvaeError(
            f"the codes are invalid: only {len(codes)} samples",
            f"provide at least {MIN_SAMPLES} samples, better thousands.",
        )
    if not np.isfinite(codes).all():
        row = int(np.flatnonzero(~np.isfinite(codes).all(axis=1))[0])
        raise BvaeError(
            f"the codes are invalid: NaN or infinite values, first in sample {row}",
            "leave out such samples, or retrain the model.",
        )
    require_moderate_size(codes)


def select_factors(truth: GroundTruth, names: Iterable[str]) -> GroundTruth:
    """Return the named factors, or all, without constant ones; raise BvaeError if fewer than two vary."""
    names = list(dict.fromkeys(names))
    for name in names:
        config.convert_choice("factors", name, truth.names)
    selected = (truth.select_factors(names) if names else truth).drop_constant()
    for name, size in zip(selected.names, selected.sizes, strict=True):
        if 2 * size > len(selected):
            raise BvaeError(
                f"the factor {name} is invalid: {size} values in {len(selected)} samples are too many",
                "discretise it into fewer values, or declare it continuous: is_continuous in the npz file.",
            )
    if len(selected.names) < 2:
        raise BvaeError("fewer than two factors vary: disentanglement is undefined", "select more --factors.")
    return selected
