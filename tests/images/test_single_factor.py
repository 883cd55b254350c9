"""Batches in which one factor varies: on a grid, from memory and from the disk."""

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


def numbered() -> np.ndarray:
    """(images, bytes): images that begin with their number."""
    packed = np.zeros((SPEC.num_images, 512), np.uint8)
    packed[:, :4] = np.arange(SPEC.num_images, dtype=np.uint32).view(np.uint8).reshape(-1, 4)
    return packed


def numbers(packed: torch.Tensor) -> np.ndarray:
    return packed[:, :4].numpy().copy().view(np.uint32)[:, 0]


@pytest.fixture(params=["memory", "disk"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> ImageSource:
    if request.param == "memory":
        return Images(SPEC, torch.from_numpy(numbered()))
    store.write_data_file(tmp_path / "toy.h5", ImageStream(SPEC, iter([numbered()])), "procedural", ignore_progress)
    return open_stream(tmp_path, "toy")


def test_in_a_batch_the_factor_that_is_said_varies_and_no_other(source: ImageSource) -> None:
    seen = set()
    for number, packed in enumerate(islice(batches(source, SIZE, 3, 0), 60)):
        factors = source.factors(numbers(packed).astype(np.int64))
        (changed,) = np.flatnonzero((factors != factors[0]).any(axis=0))
        assert changed == varying_factors(SPEC)[varied_factor(SPEC, 3, number)]
        assert len(packed) == SIZE
        seen.add(int(changed))
    assert seen == {1, 2, 3, 4}


def test_a_start_further_on_gives_the_batches_from_there(source: ImageSource) -> None:
    whole = list(islice(batches(source, SIZE, 3, 0), 12))
    assert all(torch.equal(*pair) for pair in zip(islice(batches(source, SIZE, 3, 7), 5), whole[7:], strict=True))


def test_another_seed_gives_other_batches() -> None:
    assert not np.array_equal(sample_batch_indices(SPEC, SIZE, 0, 0), sample_batch_indices(SPEC, SIZE, 1, 0))


def test_all_factors_vary_equally_often_and_all_images_are_met() -> None:
    counts = np.bincount([varied_factor(SPEC, 0, number) for number in range(4000)])
    assert counts / 4000 == pytest.approx([0.25] * 4, abs=0.03)
    met = np.unique([sample_batch_indices(SPEC, SIZE, 0, number) for number in range(4000)])
    assert len(met) == SPEC.num_images


@pytest.mark.parametrize(
    "spec",
    [
        DataSpec("celeba", 3, "gaussian", {}, num_samples=100),
        DataSpec("mine", 1, "bernoulli", {"shape": 3, "scale": 4}, num_samples=100),
        DataSpec("one", 1, "bernoulli", {"shape": 1}),
    ],
    ids=lambda spec: spec.name,
)
def test_data_without_a_grid_is_refused(spec: DataSpec) -> None:
    with pytest.raises(BvaeError, match=f"{spec.name} has no image for each combination") as refused:
        varying_factors(spec)
    assert "--objective" in refused.value.hint
