"""Explicitness of DCI-ES: how little capacity predicts the factors (Eastwood et al. 2023, section 4)."""

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.system.parallel import map_in_processes
from bvae_cli.system.reporting import ProgressCallback, ignore_progress

TRAIN, TEST = 10_000, 5_000
TREES = 100  # of a random forest
DEPTHS = (1, 2, 3, 4, 8, 10, 12, 14, 16, 18, 20, 32)  # the capacities of the probe


def dci_es(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    train: int = TRAIN, test: int = TEST, report: ProgressCallback = ignore_progress,
) -> dict[str, float]:  # fmt: skip
    """Compute explicitness from random forests of growing depth, one curve of losses per factor.

    The loss is 1 − accuracy, or 1 − R² for a continuous factor. Codes that no depth predicts have a constant loss and
    an explicitness of 1: the score has to be read beside `dci_informativeness`.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images, and seeds the forests.
        train: number of training images.
        test: number of test images.
        report: progress callback, called once per factor.

    Returns:
        `dci_es_explicitness`: averaged over factors; 1 if the smallest depth has the lowest loss, 0 if the loss falls
        linearly with the depth from that of a constant prediction to 0.
    """
    train_indices, test_indices = truth.train_test_split(train, test, rng)
    seed, tasks = int(rng.integers(2**31)), []
    for factor, is_continuous in enumerate(truth.is_continuous):
        target = truth.values[:, factor]
        split = codes[train_indices], target[train_indices], codes[test_indices], target[test_indices]
        tasks.append((*split, is_continuous, seed))
    scores = []
    for losses, size, is_continuous in zip(
        map_in_processes(probe_losses, tasks), truth.sizes, truth.is_continuous, strict=True
    ):
        baseline = 1.0 if is_continuous else 1 - 1 / size
        scores.append(explicitness_of(np.array(DEPTHS), losses, baseline))
        report("growing forests", len(scores), len(tasks))
    return {"dci_es_explicitness": float(np.mean(scores))}


def probe_losses(
    train_codes: NDArray[np.float32], train_target: NDArray[np.float64],
    test_codes: NDArray[np.float32], test_target: NDArray[np.float64], is_continuous: bool, seed: int,
) -> NDArray[np.float64]:  # fmt: skip
    """Return the test loss of a random forest of each depth, (depths,)."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    forest = RandomForestRegressor if is_continuous else RandomForestClassifier
    probes = (forest(TREES, max_depth=depth, random_state=seed).fit(train_codes, train_target) for depth in DEPTHS)
    return np.array([1 - probe.score(test_codes, test_target) for probe in probes])


def explicitness_of(capacities: NDArray[np.float64], losses: NDArray[np.float64], baseline: float) -> float:
    """Return 1 − 2 · area / (range of the capacities · baseline), the explicitness of a curve of losses.

    The area is that between the lowest loss of the capacities so far and the lowest of all. `baseline` is the loss of
    a constant prediction.
    """
    lowest = np.minimum.accumulate(losses)
    area = np.trapezoid(lowest - lowest[-1], capacities)
    return float(1 - 2 * area / ((capacities[-1] - capacities[0]) * baseline))
