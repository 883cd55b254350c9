"""bvae export: the ONNX files compute the same outputs, and contain descriptions and metadata."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from conftest import BVAE, Bvae, scaled_model
from onnxruntime import InferenceSession

from bvae_cli import __version__
from bvae_cli.checkpoint import load_checkpoint, save_checkpoint
from bvae_cli.models.nets import NETS


@pytest.fixture(scope="module")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the ONNX files of a trained model."""
    folder = tmp_path_factory.mktemp("exported")
    subprocess.run([BVAE, "export", str(checkpoint), "--out", str(folder)], check=True)
    return folder


def run_onnx(path: str, **inputs: torch.Tensor) -> list[torch.Tensor]:
    session = InferenceSession(path, providers=["CPUExecutionProvider"])
    arrays = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    return [torch.from_numpy(array) for array in arrays]


@pytest.mark.parametrize(("net", "channels"), [(net, 1) for net in NETS] + [("higgins_conv", 3)])
def test_each_net_has_the_same_outputs_for_any_batch_size(bvae: Bvae, net: str, channels: int) -> None:
    model = scaled_model(net, channels, 2.0)
    save_checkpoint(model, Path("checkpoint.pt"))
    assert bvae("export", "checkpoint.pt").out.split() == ["encoder.onnx", "decoder.onnx"]
    for batch in (1, 2, 7):
        images, z = torch.rand(batch, channels, 64, 64), torch.randn(batch, 5)
        with torch.no_grad():
            expected = (*model.vae.encode(images), model.vae.decode(z))
        results = (*run_onnx("encoder.onnx", images=images), *run_onnx("decoder.onnx", z=z))
        for result, target in zip(results, expected, strict=True):
            assert target.std() > 1e-3
            assert (result - target).abs().max() <= 1e-5 * max(1, float(target.abs().max()))


def test_graph_is_valid_with_standard_operators_and_unknown_statistics_are_left_out(bvae: Bvae) -> None:
    save_checkpoint(scaled_model("burgess", 1, 1.0), Path("checkpoint.pt"))
    bvae("export", "checkpoint.pt")
    operators = {}
    for part in ("encoder", "decoder"):
        model = onnx.load(f"{part}.onnx")
        onnx.checker.check_model(model, full_check=True)
        operators[part] = [node.op_type for node in model.graph.node]
    assert operators["encoder"] == [*["Conv", "Relu"] * 4, "Reshape", *["Gemm", "Relu"] * 2, "Gemm", "Split"]
    assert operators["decoder"] == [
        *["Gemm", "Relu"] * 2, "Gemm", "Reshape", *["Relu", "ConvTranspose"] * 4, "Sigmoid",
    ]  # fmt: skip
    latents = json.loads(metadata(Path("encoder.onnx"))["latents"])
    assert latents == [{"latent": index, "top_factor": None} for index in range(5)]


def test_inputs_and_outputs_have_descriptions(exported: Path) -> None:
    descriptions: dict[str, str] = {}
    for part in ("encoder", "decoder"):
        graph = onnx.load(exported / f"{part}.onnx").graph
        descriptions |= {value.name: value.doc_string for value in (*graph.input, *graph.output)}
    assert list(descriptions) == ["images", "mean", "logvar", "z", "image"]
    assert descriptions["images"] == "(batch, 1, 64, 64) from 0 to 1"
    assert "from 0 to 1" in descriptions["image"]


def metadata(path: Path) -> dict[str, Any]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_metadata_contains_the_latent_statistics(exported: Path, checkpoint: Path) -> None:
    model = load_checkpoint(checkpoint)
    for part in ("encoder", "decoder"):
        content = metadata(exported / f"{part}.onnx")
        assert (content["bvae"], content["dataset"]) == (__version__, "dsprites")
        assert json.loads(content["latents"]) == [
            {
                "latent": latent.index,
                "top_factor": latent.top_factor,
                "kl": latent.kl,
                "posterior_mean_min": latent.posterior_mean_min,
                "posterior_mean_max": latent.posterior_mean_max,
            }
            for latent in model.latents
        ]


def test_repeated_export_is_bit_identical_without_output_of_pytorch(exported: Path, checkpoint: Path) -> None:
    done = subprocess.run(
        [BVAE, "export", str(checkpoint), "--out", "here"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    for name in ("encoder.onnx", "decoder.onnx"):
        content = (exported / name).read_bytes()
        assert content == Path("here", name).read_bytes()
        assert str(Path(sys.prefix)).encode() not in content


def test_net_with_non_finite_outputs_is_not_written(bvae: Bvae) -> None:
    save_checkpoint(scaled_model("burgess", 1, 1e12), Path("checkpoint.pt"))
    result = bvae("export", "checkpoint.pt", "--out", "here")
    assert result.code == 1
    assert "invalid encoder.onnx: its mean differs from that of the checkpoint by " in result.err
    assert list(Path("here").iterdir()) == []


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_missing_onnx_is_reported_with_install_command(
    bvae: Bvae, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    result = bvae("export", checkpoint, "--out", "here")
    assert result.code == 1
    assert "ONNX is not installed" in result.err
    assert "pip install 'bvae[onnx]'" in result.err
    assert not Path("here").exists()


def test_missing_checkpoint_and_unwritable_output_are_reported(bvae: Bvae, checkpoint: Path) -> None:
    for arguments, expected in (
        (("nowhere.pt",), "checkpoint not found: nowhere.pt"),
        ((checkpoint, "--out", "/proc/here"), "cannot write /proc/here"),
    ):
        result = bvae("export", *arguments)
        assert result.code == 1
        assert expected in result.err
