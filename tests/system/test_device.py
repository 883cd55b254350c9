"""Selection of the device."""

from pathlib import Path

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


@pytest.mark.parametrize("has_instructions", [True, False])
def test_bfloat16_is_used_only_where_the_cpu_has_it(monkeypatch: pytest.MonkeyPatch, has_instructions: bool) -> None:
    monkeypatch.setattr(device, "has_bfloat16", lambda device_type: has_instructions)
    with device.autocast(torch.device("cpu"), "bfloat16"):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if has_instructions else torch.float32)


def test_training_in_float32_instead_of_bfloat16_is_announced(bvae: Bvae, data: Path, tmp_path: Path) -> None:
    result = bvae("train", "--cpu", "--data", data, "--out", tmp_path, "--steps", 1, "--precision", "bfloat16")
    assert result.code == 0
    assert ("trained in float32" in result.err) == (not device.has_bfloat16("cpu"))
