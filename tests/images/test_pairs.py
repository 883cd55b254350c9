"""Pairs of images that differ in few factors, from a grid and from a list, from memory and from disk."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from bvae_cli.images import store
from bvae_cli.images.in_memory import Images, ImageSource
from bvae_cli.images.pairs import batches, sample_changes, varying_factors
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.images.stream import open_stream
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import ignore_progress

GRID = DataSpec("toy", 1, "bernoulli", {"colour": 1, "shape": 3, "scale": 4, "row": 5})
LIST = DataSpec("toy", 1, "bernoulli", GRID.factors, num_samples=500)
LABELS = np.random.default_rng(0).integers(GRID.factor_sizes, size=(500, 4))


@pytest.fixture(params=["grid in memory", "grid on disk", "list in memory", "list on disk"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> ImageSource:
    spec, labels = (GRID, None) if "grid" in request.param else (LIST, LABELS)
    packed = np.zeros((spec.num_images, 512), np.uint8)
    packed[:, :4] = np.arange(spec.num_images, dtype=np.uint32).view(np.uint8).reshape(-1, 4)
    if "memory" in request.param:
        return Images(spec, torch.from_numpy(packed), labels)
    stream = ImageStream(spec, iter([packed]), labels)
    store.write_data_file(tmp_path / "toy.h5", stream, "procedural", ignore_progress)
    return open_stream(tmp_path, "toy")


def factors_of(source: ImageSource, packed: torch.Tensor) -> np.ndarray:
    """Return the factors of a batch, (pairs, 2, factors)."""
    index = packed[:, :4].numpy().copy().view(np.uint32)[:, 0].astype(np.int64)
    return source.factors(index).reshape(-1, 2, 4)


def test_pairs_differ_only_in_the_changed_factors(source: ImageSource) -> None:
    differs = np.zeros(4)
    for number, packed in enumerate(islice(batches(source, "random", 64, 3, 0), 40)):
        first, second = factors_of(source, packed).transpose(1, 0, 2)
        changed, _ = sample_changes(source.spec, 32, "random", 3, number)
        assert not ((first != second) & ~changed).any()
        differs += (first != second).sum(axis=0)
    assert (differs[1:] > 0).all()


def test_batches_can_start_at_any_number(source: ImageSource) -> None:
    every = list(islice(batches(source, "one", 16, 3, 0), 8))
    assert all(torch.equal(*both) for both in zip(islice(batches(source, "one", 16, 3, 5), 3), every[5:], strict=True))


def test_the_number_of_changes_has_its_distribution() -> None:
    for changes, expected in {
        "one": [1, 0], "all_but_one": [0, 1], "uniform": [0.5, 0.5], "random": [0.75, 0.25],
    }.items():  # fmt: skip
        changed, last = sample_changes(GRID, 8000, changes, 0, 0)  # type: ignore[arg-type]
        counts = np.bincount(changed.sum(axis=1), minlength=3)[1:] / 8000
        assert counts == pytest.approx(expected, abs=0.02)
        assert changed[np.arange(8000), last + 1].all()  # the first factor does not vary
        assert np.bincount(last) / 8000 == pytest.approx([1 / 3] * 3, abs=0.03)


def test_a_changed_value_of_a_grid_is_uniform() -> None:
    source = Images(GRID, torch.zeros(GRID.num_images, 512, dtype=torch.uint8))
    packed = torch.from_numpy(np.arange(GRID.num_images, dtype=np.uint32).view(np.uint8).reshape(-1, 4).copy())
    source.packed[:, :4] = packed
    first, second = factors_of(source, next(batches(source, "one", 40_000, 0, 0))).transpose(1, 0, 2)
    sizes = np.array(GRID.factor_sizes)
    assert (first != second).mean(axis=0) == pytest.approx((1 - 1 / sizes) / 3 * (sizes > 1), abs=0.01)


def test_data_without_two_varying_factors_is_an_error() -> None:
    with pytest.raises(BvaeError, match="does not have two labelled factors that vary"):
        varying_factors(DataSpec("one", 1, "bernoulli", {"shape": 3, "colour": 1}))
