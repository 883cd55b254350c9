"""Selection of the device."""

import pytest
import torch
from conftest import Bvae

from bvae_cli.system import device
from bvae_cli.system.errors import BvaeError

GPUS = torch.cuda.device_count()


def test_the_cpu_is_used_if_requested() -> None:
    assert device.select_device(None, cpu=True).type == "cpu"


def test_the_first_gpu_is_the_default() -> None:
    expected = torch.device("cuda", 0) if GPUS else torch.device("cpu")
    assert device.select_device(None, cpu=False) == expected


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_a_missing_gpu_is_an_error_before_any_file_is_read(bvae: Bvae, command: str) -> None:
    arguments = ["nowhere.pt"] if command == "evaluate" else []
    result = bvae(command, *arguments, "--gpu", GPUS)
    assert result.code == 1
    assert f"GPU {GPUS} not found" in result.err
    assert ("use --cpu: this machine has no GPU" in result.err) == (GPUS == 0)


def test_gpu_and_cpu_are_mutually_exclusive() -> None:
    with pytest.raises(BvaeError, match="mutually exclusive"):
        device.select_device(0, cpu=True)


def test_a_negative_gpu_is_a_usage_error(bvae: Bvae) -> None:
    assert bvae("train", "--gpu", -1).code == 2
