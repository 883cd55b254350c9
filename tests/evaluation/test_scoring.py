"""Recording of scores."""

import math

import pytest

from bvae_cli.evaluation.scoring import Scores
from bvae_cli.params import EvaluateParams


@pytest.mark.parametrize(
    ("value", "maximum", "reason"),
    [
        (140.0, 1.0, "the estimate, 140, is outside its range, 0 to 1"),
        (-0.5, math.inf, "the estimate, -0.5, is outside its range, 0 to inf"),
        (math.nan, 1.0, "the result is NaN or infinite"),
    ],
)
def test_a_score_outside_its_range_is_not_recorded_but_the_others_are(
    value: float, maximum: float, reason: str
) -> None:
    scores = Scores()
    scores.add_metric("pair", lambda rng: {"wrong": value, "right": 0.5}, maximum, EvaluateParams(repeats=2))
    assert scores.values == {"right": 0.5}
    assert scores.not_computed == {"wrong": reason}
