"""The order in which training reads images, from memory and from disk."""

import threading
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from bvae_cli.images import store
from bvae_cli.images.in_memory import Images, ImageSource, sample_indices
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.images.stream import StreamedImages, open_stream, prefetch
from bvae_cli.system.reporting import ignore_progress

COUNT = 2500  # two chunks and a half
SPEC = DataSpec("toy", 1, "bernoulli", {"row": 50, "column": 50})


def indexed_images() -> np.ndarray:
    """Return images, (images, bytes), that start with their index."""
    packed = np.zeros((COUNT, 512), np.uint8)
    packed[:, :4] = np.arange(COUNT, dtype=np.uint32).view(np.uint8).reshape(-1, 4)
    return packed


def image_indices(packed: torch.Tensor) -> list[int]:
    return [int(index) for index in packed[:, :4].numpy().copy().view(np.uint32)[:, 0]]


@pytest.fixture(params=["memory", "disk"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> ImageSource:
    if request.param == "memory":
        return Images(SPEC, torch.from_numpy(indexed_images()))
    store.write_data_file(
        tmp_path / "toy.h5", ImageStream(SPEC, iter([indexed_images()])), "procedural", ignore_progress
    )
    return open_stream(tmp_path, "toy")


def test_an_epoch_contains_every_image_once_and_drops_the_last_incomplete_batch(source: ImageSource) -> None:
    batches = list(islice(source.batches(64, 0, 0), 78))
    epochs = [image_indices(torch.cat(batches[:39])), image_indices(torch.cat(batches[39:]))]
    assert {len(batch) for batch in batches} == {64}
    assert [len(set(epoch)) for epoch in epochs] == [39 * 64, 39 * 64]
    assert epochs[0] != epochs[1]


def test_the_seed_determines_the_order(source: ImageSource) -> None:
    batches = [image_indices(next(source.batches(64, seed, 0))) for seed in (0, 0, 1)]
    assert batches[0] == batches[1] != batches[2]


@pytest.mark.parametrize("start", [1, 17, 38, 39, 40, 100])
def test_batches_can_start_at_any_number(source: ImageSource, start: int) -> None:
    all_batches = [image_indices(batch) for batch in islice(source.batches(64, 3, 0), start + 45)]
    assert [image_indices(batch) for batch in islice(source.batches(64, 3, start), 45)] == all_batches[start:]


def test_images_are_selected_by_index(source: ImageSource) -> None:
    index = np.array([2499, 0, 1024, 7, 1023])
    assert image_indices(source.subset(index).packed) == index.tolist()


@pytest.mark.parametrize(("requested", "expected"), [(100, 100), (2500, 2500), (9999, 2500)])
def test_sampled_indices_are_distinct(source: ImageSource, requested: int, expected: int) -> None:
    indices = sample_indices(source, requested, seed=0)
    assert len(indices) == len(set(indices.tolist())) == expected
    assert 0 <= indices.min() <= indices.max() < COUNT


def test_a_stream_shuffles_chunks_and_keeps_few_in_memory(source: ImageSource, monkeypatch: pytest.MonkeyPatch) -> None:
    if not isinstance(source, StreamedImages):
        pytest.skip("only streamed images have blocks")
    monkeypatch.setattr("bvae_cli.images.stream.BLOCK_BYTES", 2 * 1024 * 512)
    blocks = [torch.from_numpy(block) for block in source.shuffled_blocks([0, 0], 0)]
    assert sorted(image_indices(torch.cat(blocks))) == list(range(COUNT))
    assert [len({index // 1024 for index in image_indices(block)}) for block in blocks] == [2, 1]
    assert image_indices(blocks[0])[:50] != sorted(image_indices(blocks[0])[:50])


def test_prefetch_keeps_the_order_and_uses_one_background_thread() -> None:
    threads = []

    def iter_items() -> Iterator[int]:
        for item in range(5):
            threads.append(threading.current_thread())
            yield item

    assert list(prefetch(iter_items())) == [0, 1, 2, 3, 4]
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()
