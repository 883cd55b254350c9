"""Loading of codes made by other programs, from npz files."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvae_cli.images.in_memory import ImageSource
from bvae_cli.images.stream import open_stream
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.npz_files import read_npz

ARRAYS = ("codes", "logvar", "factors", "factor_names", "is_continuous")
MAX_CODE = 1e15
HINT = "write the file with numpy: np.savez(path, codes=codes, factors=factors)"


@dataclass(frozen=True)
class Codes:
    """A representation of images, with ground-truth factors if they are known."""

    mean: NDArray[np.float32]  # (images, latents)
    logvar: NDArray[np.float32] | None  # (images, latents), of the posteriors
    truth: GroundTruth | None  # None if no factors are known


def read_codes(path: Path, data: Path, dataset: str) -> Codes:
    """Read codes and optional posterior log-variances and factors from an npz file.

    Its arrays are `codes`, (images, latents), and optionally `logvar`, of the same shape, `factors`, (images, factors),
    `factor_names` and `is_continuous`, a boolean for each factor; without it, factors with more than 100 distinct
    numbers are continuous. Without `factors`, the codes are taken to be those of all images of the data set, if their
    numbers are equal.

    Raises:
        BvaeError: the file is not found, is not a valid npz, contains pickled objects, or its arrays do not match.
    """
    arrays = load_arrays(path)
    codes, logvar = arrays.get("codes"), arrays.get("logvar")
    if codes is None or codes.ndim != 2 or not codes.size or codes.dtype.kind not in "fiu":
        raise BvaeError(f"{path}: the numeric array `codes`, (images, latents), is not found or invalid", HINT)
    if logvar is not None and (logvar.shape != codes.shape or logvar.dtype.kind != "f"):
        raise BvaeError(
            f"{path}: logvar is invalid, {logvar.dtype} {logvar.shape}; expected floats of shape {codes.shape}", HINT
        )
    require_moderate_size(codes)
    truth = load_ground_truth(path, arrays, len(codes), data, dataset)
    return Codes(to_float32(codes), None if logvar is None else logvar.astype(np.float32), truth)


def require_moderate_size(codes: NDArray[np.generic]) -> None:
    """Raise BvaeError if codes are so large, or vary so little, that float32 has no squares of them."""
    values: NDArray[np.float64] = codes[np.isfinite(codes).all(axis=1)].astype(np.float64)
    if not len(values):
        return
    spread = np.ptp(values, axis=0)
    if np.abs(values).max() > MAX_CODE or (spread[spread > 0] < 1 / MAX_CODE).any():
        raise BvaeError(
            f"the codes are invalid: one exceeds {MAX_CODE:g}, or a latent varies by less than {1 / MAX_CODE:g}",
            "standardise each latent: subtract its mean and divide by its standard deviation.",
        )


def to_float32(codes: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return codes in float32, centred if they were wider: a large offset would otherwise round them together."""
    if codes.dtype == np.float32:
        return codes.astype(np.float32)
    wide: NDArray[np.float64] = codes.astype(np.float64)
    return np.asarray(wide - wide.mean(axis=0), np.float32)


def load_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """Load the arrays of an npz file that scoring needs, without unpickling anything or reading other arrays."""
    try:
        return read_npz(path, ARRAYS)
    except BvaeError:
        raise
    except FileNotFoundError as error:
        hint = "pass the path of a checkpoint.pt, or of an npz file with codes."
        raise BvaeError(f"file not found: {path}", hint) from error
    except Exception as error:  # an invalid file may cause any error
        reason = " ".join(str(error).split())[:200]
        raise BvaeError(f"{path} is not a valid npz file, or has no numeric arrays: {reason}", HINT) from error


def load_ground_truth(
    path: Path, arrays: dict[str, NDArray[np.generic]], count: int, data: Path, dataset: str
) -> GroundTruth | None:
    """Return the ground-truth factors from the npz file, or else from the data set; None if neither has them."""
    factors = arrays.get("factors")
    if factors is None:
        file = data / f"{dataset}.h5"
        if not file.is_file():
            return None
        images = open_stream(data, dataset)
        matches = images.spec.factors and len(images) == count
        return ground_truth_of(images) if matches else None
    if factors.ndim != 2 or len(factors) != count or not factors.shape[1]:
        raise BvaeError(
            f"{path}: factors have the invalid shape {factors.shape}, not ({count}, factors)",
            "save one row of factors per row of codes.",
        )
    names = [decode_name(name) for name in arrays.get("factor_names", [])]
    if names and len(names) != factors.shape[1]:
        raise BvaeError(
            f"{path}: {len(names)} factor_names for {factors.shape[1]} factors", "save one name per column of factors."
        )
    if repeated := [name for name in names if names.count(name) > 1]:
        raise BvaeError(f"{path}: two factors have the name {repeated[0]}", "save a different name for each factor.")
    return GroundTruth.from_labels(factors, names or None, read_is_continuous(path, arrays, factors))


def ground_truth_of(images: ImageSource) -> GroundTruth:
    """Return the factors of all images; those of a list with more than 100 values are continuous."""
    factors, names = images.factors(np.arange(len(images))), list(images.spec.factors)
    is_list = images.spec.num_samples is not None and names
    return GroundTruth.from_labels(factors, names) if is_list else GroundTruth(factors, names)


def read_is_continuous(
    path: Path, arrays: dict[str, NDArray[np.generic]], factors: NDArray[np.generic]
) -> list[bool] | None:
    """Return whether each of the (images, factors) is continuous; None if the file does not contain it."""
    flags = arrays.get("is_continuous")
    if flags is None:
        return None
    if flags.dtype != bool or flags.shape != factors.shape[1:]:
        raise BvaeError(
            f"{path}: is_continuous is invalid, {flags.dtype} {flags.shape}; expected bool ({factors.shape[1]},)",
            "save one boolean per column of factors.",
        )
    if flags.any() and not (factors.dtype.kind in "fiu" and np.isfinite(factors[:, flags.astype(bool)]).all()):
        raise BvaeError(
            f"{path}: a continuous factor has values that are not finite numbers", "save factors as numbers."
        )
    return [bool(flag) for flag in flags]


def decode_name(name: object) -> str:
    """Return a factor's name, which other programs store as text or as bytes."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)
