"""InfoMEC: information-theoretic modularity, explicitness and compactness (Hsu et al. 2023, section 4)."""

import warnings

import numpy as np
from numpy.typing import NDArray

from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.metrics.mutual_information import entropy, pairwise_information
from bvae_cli.system.reporting import ProgressCallback, ignore_progress

SAMPLES = 10_000
NEIGHBOURS = 10  # of the estimator of mutual information (Ross 2014; Kraskov et al. 2004)
MAX_LEVELS = 20  # distinct values up to which a latent is discrete, as those of a quantised autoencoder are
MIN_RELATIVE_RANGE = 1 / 20  # of a latent, relative to the widest; latents below are pruned
MIN_INFORMATION = 1e-10  # relative; smaller values are rounding errors
ITERATIONS = 100  # maximum, of the logistic regression


def infomec(
    codes: NDArray[np.float32], truth: GroundTruth, rng: np.random.Generator,
    samples: int = SAMPLES, report: ProgressCallback = ignore_progress,
) -> dict[str, float]:  # fmt: skip
    """Compute InfoM, InfoE and InfoC as the authors' code does.

    I(z_j; v_k) of a continuous latent is estimated from 10 nearest neighbours, that of discrete latents from counts;
    latents are discrete if each has at most 20 distinct values. It is divided by H(v_k), or by the estimate of
    I(v_k; v_k) if the factor is continuous. Latents whose range is at most 1/20 of the widest one are pruned.

    InfoM and InfoC are ratios of mutual informations, and above 0 even for noise. InfoE is 0 for noise.

    Args:
        codes: (images, latents).
        truth: ground-truth factors of the images.
        rng: samples images without replacement, and seeds the estimator.
        samples: maximum number of images sampled.
        report: progress callback, called once per factor.

    Returns:
        `info_modularity`: degree to which each latent is informative about one factor only, 0 to 1.
        `info_explicitness`: 1 − H(v_k | z) / H₀, averaged over factors, 0 to 1; see `explicitness_of`.
        `info_compactness`: degree to which one latent only is informative about each factor, 0 to 1. A missing second
        latent counts as one without information.
        All are 0 if every latent is constant.
    """
    indices = truth.sample_distinct(samples, rng)
    sampled, sampled_truth = codes[indices], truth.subset(indices)
    is_discrete = all(len(np.unique(latent)) <= MAX_LEVELS for latent in sampled.T)
    sampled = sampled[:, active_latents(sampled, is_discrete)]
    if not sampled.shape[1]:
        return dict.fromkeys(("info_modularity", "info_explicitness", "info_compactness"), 0.0)
    features = one_hot(sampled) if is_discrete else standardise(sampled)
    seed, information, explicitness = int(rng.integers(2**31)), [], []
    for factor, name in enumerate(truth.names):
        target = (sampled_truth.factors[:, factor], sampled_truth.measurements.get(name))
        information.append(normalised_information(sampled, *target, is_discrete, seed))
        explicitness.append(explicitness_of(features, *target))
        report("estimating mutual information", factor + 1, len(truth.names))
    matrix = np.stack(information, axis=1)  # (latents, factors)
    return {
        "info_modularity": concentration(matrix),
        "info_explicitness": float(np.mean(explicitness)),
        "info_compactness": concentration(matrix.T),
    }


def active_latents(codes: NDArray[np.float32], is_discrete: bool) -> NDArray[np.bool_]:
    """Return a mask of the latents that are not pruned, (latents,)."""
    ranges = np.ptp(codes, axis=0)
    return np.asarray(ranges > 0 if is_discrete else ranges > ranges.max() * MIN_RELATIVE_RANGE)


def standardise(codes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the codes with mean 0 and variance 1, (images, latents)."""
    centred = codes - codes.mean(axis=0, dtype=np.float64)
    return np.asarray(centred / centred.std(axis=0))


def one_hot(codes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return an indicator of each value of each latent, (images, values)."""
    return np.concatenate([(latent[:, None] == np.unique(latent)).astype(np.float64) for latent in codes.T], axis=1)


def normalised_information(
    codes: NDArray[np.float32],
    classes: NDArray[np.int64],
    measurement: NDArray[np.float64] | None,
    is_discrete: bool,
    seed: int,
) -> NDArray[np.float64]:
    """Return I(z_j; v) / H(v) of each latent, (latents,), for a factor with classes or with a measurement."""
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    settings = {"n_neighbors": NEIGHBOURS, "random_state": seed}
    if is_discrete and measurement is None:
        size = int(classes.max()) + 1
        levels = [np.unique(latent, return_inverse=True)[1] for latent in codes.T]
        return np.array([pairwise_information(level, classes, size) for level in levels]) / entropy(classes)
    if measurement is None:
        return np.asarray(mutual_info_classif(standardise(codes), classes, **settings) / entropy(classes))
    itself = mutual_info_regression(measurement[:, None], measurement, **settings)
    return np.asarray(mutual_info_regression(codes, measurement, discrete_features=is_discrete, **settings) / itself)


def explicitness_of(
    features: NDArray[np.float64], classes: NDArray[np.int64], measurement: NDArray[np.float64] | None
) -> float:
    """Return the explicitness of a factor: how well a linear model predicts it from (images, features), 0 to 1.

    With classes, it is 1 − H(v | z) / H₀: H(v | z) is the cross-entropy of a logistic regression without
    regularisation that weights classes by the inverse of their frequency, and H₀ is that of the same model without
    features, ln(number of classes). With a measurement, it is R² of a linear regression. As in the authors' code,
    models are fitted and scored on the same images, and the fit ends after 100 iterations.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.metrics import log_loss

    if measurement is not None:
        return float(LinearRegression().fit(features, measurement).score(features, measurement))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=ITERATIONS).fit(features, classes)
    return 1 - float(log_loss(classes, model.predict_proba(features)) / np.log(len(model.classes_)))


def concentration(information: NDArray[np.float64]) -> float:
    """Return the mean over rows of max / sum, scaled from the value of a uniform row, 0, to that of a single entry, 1.

    Modularity of a (latents, factors) matrix, compactness of its transpose. A row of zeros counts as uniform.
    """
    columns = max(2, information.shape[1])
    total = information.sum(axis=1)
    share = np.divide(
        information.max(axis=1), total, out=np.full_like(total, 1 / columns), where=total > MIN_INFORMATION
    )
    return float((share.mean() - 1 / columns) / (1 - 1 / columns))
