"""Selection of the input images of figures."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bvae_cli.checkpoint import Checkpoint, load_checkpoint
from bvae_cli.figures.base_images import find_index, load_file, select_images
from bvae_cli.images.in_memory import Images, load_images
from bvae_cli.images.spec import DataSpec
from bvae_cli.system.errors import BvaeError

SPEC = DataSpec("dsprites", 1, "bernoulli", {"shape": 3, "scale": 2, "orientation": 4, "posX": 4, "posY": 4})


@pytest.fixture
def model(checkpoint: Path) -> Checkpoint:
    return load_checkpoint(checkpoint)


def test_without_a_selection_the_first_examples_are_used(model: Checkpoint) -> None:
    images = select_images(model, Path("nowhere"), [], [], [], 5)
    assert torch.equal(images, model.examples[:5] / 255)


def test_images_are_selected_by_index_and_by_factors(model: Checkpoint, data: Path) -> None:
    images = select_images(model, data, [7], ["shape=1,posX=0,posY=3"], [], 5)
    expected = load_images(data, "dsprites")[torch.tensor([7, SPEC.index([1, 1, 0, 0, 3])])]
    assert torch.equal(images, expected)


def test_omitted_factors_are_those_of_the_showcase() -> None:
    assert find_index(Images(SPEC, torch.empty(0, 512)), "shape=2") == SPEC.index([2, 1, 0, 2, 2])


def test_an_image_file_is_resized_and_converted_to_grey() -> None:
    Image.new("RGB", (200, 100), (255, 255, 255)).save("white.png")
    assert torch.equal(load_file(Path("white.png"), SPEC), torch.ones(1, 1, 64, 64))


def test_an_image_file_of_the_right_size_is_unchanged() -> None:
    pixels = np.random.default_rng(0).integers(256, size=(64, 64), dtype=np.uint8)
    Image.fromarray(pixels).save("own.png")
    assert torch.equal(load_file(Path("own.png"), SPEC)[0, 0] * 255, torch.from_numpy(pixels).float())


def test_an_image_file_keeps_its_colours_if_the_model_has_three_channels() -> None:
    Image.new("RGB", (64, 64), (255, 0, 51)).save("red.png")
    image = load_file(Path("red.png"), DataSpec("faces", 3, "gaussian", {}))
    assert image.shape == (1, 3, 64, 64)
    assert image[0, :, 5, 9].tolist() == pytest.approx([1, 0, 0.2])


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n half"])
def test_a_file_that_is_not_an_image_is_an_error(content: bytes) -> None:
    Path("file.png").write_bytes(content)
    with pytest.raises(BvaeError, match=r"file\.png is corrupt or an unsupported image"):
        load_file(Path("file.png"), SPEC)
