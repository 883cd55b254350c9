"""The order in which training sees images, from memory and from the disk."""

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


def numbered() -> np.ndarray:
    """(images, bytes): images that begin with their number."""
    packed = np.zeros((COUNT, 512), np.uint8)
    packed[:, :4] = np.arange(COUNT, dtype=np.uint32).view(np.uint8).reshape(-1, 4)
    return packed


def numbers(packed: torch.Tensor) -> list[int]:
    return [int(number) for number in packed[:, :4].numpy().copy().view(np.uint32)[:, 0]]


@pytest.fixture(params=["memory", "disk"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> ImageSource:
    if request.param == "memory":
        return Images(SPEC, torch.from_numpy(numbered()))
    store.write_data_file(tmp_path / "toy.h5", ImageStream(SPEC, iter([numbered()])), "procedural", ignore_progress)
    return open_stream(tmp_path, "toy")


def test_every_image_comes_once_an_epoch_and_the_odd_ones_wait(source: ImageSource) -> None:
    batches = list(islice(source.batches(64, 0, 0), 78))
    epochs = [numbers(torch.cat(batches[:39])), numbers(torch.cat(batches[39:]))]
    assert {len(batch) for batch in batches} == {64}
    assert [len(set(epoch)) for epoch in epochs] == [39 * 64, 39 * 64]
    assert epochs[0] != epochs[1]


def test_a_seed_gives_an_order_and_another_one_another(source: ImageSource) -> None:
    first = [numbers(next(source.batches(64, seed, 0))) for seed in (0, 0, 1)]
    assert first[0] == first[1] != first[2]


@pytest.mark.parametrize("start", [1, 17, 38, 39, 40, 100])
def test_a_start_further_on_gives_the_batches_from_there(source: ImageSource, start: int) -> None:
    whole = [numbers(batch) for batch in islice(source.batches(64, 3, 0), start + 45)]
    assert [numbers(batch) for batch in islice(source.batches(64, 3, start), 45)] == whole[start:]


def test_images_are_had_by_number(source: ImageSource) -> None:
    index = np.array([2499, 0, 1024, 7, 1023])
    assert numbers(source.subset(index).packed) == index.tolist()


@pytest.mark.parametrize(("asked", "had"), [(100, 100), (2500, 2500), (9999, 2500)])
def test_some_images_are_all_different(source: ImageSource, asked: int, had: int) -> None:
    drawn = sample_indices(source, asked, seed=0)
    assert len(drawn) == len(set(drawn.tolist())) == had
    assert 0 <= drawn.min() <= drawn.max() < COUNT


def test_a_stream_mixes_chunks_and_holds_few(source: ImageSource, monkeypatch: pytest.MonkeyPatch) -> None:
    if not isinstance(source, StreamedImages):
        pytest.skip("of the disk alone")
    monkeypatch.setattr("bvae_cli.images.stream.BLOCK", 2 * 1024 * 512)
    blocks = [torch.from_numpy(block) for block in source.shuffled_blocks([0, 0], 0)]
    assert sorted(numbers(torch.cat(blocks))) == list(range(COUNT))
    assert [len({number // 1024 for number in numbers(block)}) for block in blocks] == [2, 1]
    assert numbers(blocks[0])[:50] != sorted(numbers(blocks[0])[:50])


def test_what_is_read_ahead_comes_in_order_and_from_one_other_thread() -> None:
    makers = []

    def make() -> Iterator[int]:
        for item in range(5):
            makers.append(threading.current_thread())
            yield item

    assert list(prefetch(make())) == [0, 1, 2, 3, 4]
    assert len(set(makers)) == 1
    assert makers[0] is not threading.current_thread()
