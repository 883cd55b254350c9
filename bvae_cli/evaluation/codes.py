"""Codes that other programs made, in an npz."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bvae_cli.images.stream import open_stream
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.system.errors import BvaeError

HINT = "np.savez(path, codes=…, factors=…)"


@dataclass(frozen=True)
class Codes:
    """A representation of some images."""

    mean: NDArray[np.float32]  # (images, latents)
    logvar: NDArray[np.float32] | None  # (images, latents), of posteriors
    truth: GroundTruth | None  # what is known of the images


def read_codes(path: Path, data: Path, dataset: str) -> Codes:
    """Read `codes`, (images, latents); where they are there `logvar`, `factors`, (images, factors), and `factor_names`.

    Without `factors` the codes are taken to be those of all images of a data set, where there are as many.

    Raises:
        BvaeError: the file is missing, no npz, would run code, or its arrays do not fit.
    """
    arrays = load_arrays(path)
    codes, logvar = arrays.get("codes"), arrays.get("logvar")
    if codes is None or codes.ndim != 2 or not codes.size or codes.dtype.kind not in "fiu":
        raise BvaeError(f"{path} has no array `codes` of numbers, (images, latents)", HINT)
    if logvar is not None and (logvar.shape != codes.shape or logvar.dtype.kind != "f"):
        raise BvaeError(f"{path}: logvar is not as codes are, {codes.shape}", HINT)
    spread = None if logvar is None else logvar.astype(np.float32)
    return Codes(codes.astype(np.float32), spread, load_ground_truth(path, arrays, len(codes), data, dataset))


def load_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """The arrays of an npz, without running anything that is in it."""
    if not path.is_file():
        raise BvaeError(f"there is no file {path}", "name a checkpoint.pt, or an npz with codes.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except Exception as error:  # whatever a stranger's bytes provoke
        raise BvaeError(f"{path} is no npz of plain arrays, or cut short", HINT) from error


def load_ground_truth(
    path: Path, arrays: dict[str, NDArray[np.generic]], count: int, data: Path, dataset: str
) -> GroundTruth | None:
    """What is known of the images; None where nothing is."""
    factors = arrays.get("factors")
    if factors is None:
        file = data / f"{dataset}.h5"
        if not file.is_file():
            return None
        images = open_stream(data, dataset)
        known = images.spec.factors and len(images) == count
        return GroundTruth(images.factors(np.arange(count)), list(images.spec.factors)) if known else None
    if factors.ndim != 2 or len(factors) != count or not factors.shape[1]:
        raise BvaeError(
            f"{path}: factors are {factors.shape}, not ({count}, factors)", "one row a sample, as in codes."
        )
    names = [str(name) for name in arrays.get("factor_names", [])]
    if names and len(names) != factors.shape[1]:
        raise BvaeError(f"{path}: {len(names)} factor_names for {factors.shape[1]} factors", "one a column of factors.")
    return GroundTruth.from_labels(factors, names or None)
