"""Which device computes."""

import pytest
import torch
from conftest import Bvae

from bvae_cli.system import device
from bvae_cli.system.errors import BvaeError

GPUS = torch.cuda.device_count()


def test_the_processor_is_taken_where_it_is_asked_for() -> None:
    assert device.select_device(None, cpu=True).type == "cpu"


def test_the_first_gpu_is_taken_where_there_is_one() -> None:
    expected = torch.device("cuda", 0) if GPUS else torch.device("cpu")
    assert device.select_device(None, cpu=False) == expected


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_a_gpu_that_is_not_there_is_refused_before_anything_else(bvae: Bvae, command: str) -> None:
    arguments = ["nowhere.pt"] if command == "evaluate" else []
    result = bvae(command, *arguments, "--gpu", GPUS)
    assert result.code == 1
    assert f"there is no GPU {GPUS} here" in result.err
    assert ("there is none: use --cpu" in result.err) == (GPUS == 0)


def test_a_gpu_and_the_processor_exclude_each_other() -> None:
    with pytest.raises(BvaeError, match="exclude each other"):
        device.select_device(0, cpu=True)


def test_a_negative_gpu_is_a_usage_error(bvae: Bvae) -> None:
    assert bvae("train", "--gpu", -1).code == 2
