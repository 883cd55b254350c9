"""Batches in which a single factor of a grid varies, from memory and from disk."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from bvae_cli.images import store
from bvae_cli.images.in_memory import Images, ImageSource
from bvae_cli.images.single_factor import batches, sample_batch_indices, varied_factor, varying_factors
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.images.stream import open_stream
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import ignore_progress

SPEC = DataSpec("toy", 1, "bernoulli", {"colour": 1, "shape": 3, "scale": 6, "row": 10, "column": 12})
SIZE = 16


def indexed_images() -> np.ndarray:
    """Return images, (images, bytes), that start with their index."""
    packed = np.zeros((SPEC.num_images, 512), np.uint8)
    packed[:, :4] = np.arange(SPEC.num_images, dtype=np.uint32).view(np.uint8).reshape(-1, 4)
    return packed


def image_indices(packed: torch.Tensor) -> np.ndarray:
    return packed[:, :4].numpy().copy().view(np.uint32)[:, 0]


@pytest.fixture(params=["memory", "disk"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> ImageSource:
    if request.param == "memory":
        return Images(SPEC, torch.from_numpy(indexed_images()))
    store.write_data_file(
        tmp_path / "toy.h5", ImageStream(SPEC, iter([indexed_images()])), "procedural", ignore_progress
    )
    return open_stream(tmp_path, "toy")


def test_only_the_varied_factor_differs_within_a_batch(source: ImageSource) -> None:
    varied_factors = set()
    for number, packed in enumerate(islice(batches(source, SIZE, 3, 0), 60)):
        factors = source.factors(image_indices(packed).astype(np.int64))
        (varied,) = np.flatnonzero((factors != factors[0]).any(axis=0))
        assert varied == varying_factors(SPEC)[varied_factor(SPEC, 3, number)]
        assert len(packed) == SIZE
        varied_factors.add(int(varied))
    assert varied_factors == {1, 2, 3, 4}


def test_batches_can_start_at_any_number(source: ImageSource) -> None:
    all_batches = list(islice(batches(source, SIZE, 3, 0), 12))
    assert all(torch.equal(*pair) for pair in zip(islice(batches(source, SIZE, 3, 7), 5), all_batches[7:], strict=True))


def test_batches_depend_on_the_seed() -> None:
    assert not np.array_equal(sample_batch_indices(SPEC, SIZE, 0, 0), sample_batch_indices(SPEC, SIZE, 1, 0))


def test_all_factors_vary_equally_often_and_all_images_are_sampled() -> None:
    counts = np.bincount([varied_factor(SPEC, 0, number) for number in range(4000)])
    assert counts / 4000 == pytest.approx([0.25] * 4, abs=0.03)
    sampled = np.unique([sample_batch_indices(SPEC, SIZE, 0, number) for number in range(4000)])
    assert len(sampled) == SPEC.num_images


@pytest.mark.parametrize(
    "spec",
    [
        DataSpec("celeba", 3, "gaussian", {}, num_samples=100),
        DataSpec("mine", 1, "bernoulli", {"shape": 3, "scale": 4}, num_samples=100),
        DataSpec("one", 1, "bernoulli", {"shape": 1}),
    ],
    ids=lambda spec: spec.name,
)
def test_a_data_set_without_a_grid_is_an_error(spec: DataSpec) -> None:
    with pytest.raises(BvaeError, match=f"{spec.name} does not contain an image for every combination") as error:
        varying_factors(spec)
    assert "--objective" in error.value.hint
