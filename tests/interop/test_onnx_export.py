"""bvae export: what other programs get computes the same, and says what it is."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from conftest import BVAE, Bvae, scaled
from onnxruntime import InferenceSession

from bvae_cli import __version__
from bvae_cli.checkpoint import load_checkpoint, save_checkpoint
from bvae_cli.models.nets import NETS


@pytest.fixture(scope="module")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a trained model's files."""
    folder = tmp_path_factory.mktemp("exported")
    subprocess.run([BVAE, "export", str(checkpoint), "--out", str(folder)], check=True)
    return folder


def run(path: str, **inputs: torch.Tensor) -> list[torch.Tensor]:
    session = InferenceSession(path, providers=["CPUExecutionProvider"])
    arrays = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    return [torch.from_numpy(array) for array in arrays]


@pytest.mark.parametrize(("net", "channels"), [(net, 1) for net in NETS] + [("higgins_conv", 3)])
def test_each_net_computes_the_same_for_batches_of_any_size(bvae: Bvae, net: str, channels: int) -> None:
    model = scaled(net, channels, 2.0)
    save_checkpoint(model, Path("checkpoint.pt"))
    assert bvae("export", "checkpoint.pt").out.split() == ["encoder.onnx", "decoder.onnx"]
    for batch in (1, 2, 7):
        images, z = torch.rand(batch, channels, 64, 64), torch.randn(batch, 5)
        with torch.no_grad():
            expected = (*model.vae.encode(images), model.vae.decode(z))
        results = (*run("encoder.onnx", images=images), *run("decoder.onnx", z=z))
        for result, wanted in zip(results, expected, strict=True):
            assert wanted.std() > 1e-3
            assert (result - wanted).abs().max() <= 1e-5 * max(1, float(wanted.abs().max()))


def test_the_graph_is_of_ordinary_layers_and_valid_and_says_nothing_that_is_not_known(bvae: Bvae) -> None:
    save_checkpoint(scaled("burgess", 1, 1.0), Path("checkpoint.pt"))
    bvae("export", "checkpoint.pt")
    kinds = {}
    for half in ("encoder", "decoder"):
        model = onnx.load(f"{half}.onnx")
        onnx.checker.check_model(model, full_check=True)
        kinds[half] = [node.op_type for node in model.graph.node]
    assert kinds["encoder"] == [*["Conv", "Relu"] * 4, "Reshape", *["Gemm", "Relu"] * 2, "Gemm", "Split"]
    assert kinds["decoder"] == [
        *["Gemm", "Relu"] * 2, "Gemm", "Reshape", *["Relu", "ConvTranspose"] * 4, "Sigmoid",
    ]  # fmt: skip
    latents = json.loads(metadata(Path("encoder.onnx"))["latents"])
    assert latents == [{"latent": index, "top_factor": None} for index in range(5)]


def test_inputs_and_outputs_say_what_they_are(exported: Path) -> None:
    said: dict[str, str] = {}
    for half in ("encoder", "decoder"):
        graph = onnx.load(exported / f"{half}.onnx").graph
        said |= {value.name: value.doc_string for value in (*graph.input, *graph.output)}
    assert list(said) == ["images", "mean", "logvar", "z", "image"]
    assert said["images"] == "(batch, 1, 64, 64) from 0 to 1"
    assert "from 0 to 1" in said["image"]


def metadata(path: Path) -> dict[str, Any]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_the_files_say_what_is_known_of_the_latents(exported: Path, checkpoint: Path) -> None:
    model = load_checkpoint(checkpoint)
    for half in ("encoder", "decoder"):
        said = metadata(exported / f"{half}.onnx")
        assert (said["bvae"], said["dataset"]) == (__version__, "dsprites")
        assert json.loads(said["latents"]) == [
            {
                "latent": latent.index,
                "top_factor": latent.top_factor,
                "kl": latent.kl,
                "posterior_mean_min": latent.posterior_mean_min,
                "posterior_mean_max": latent.posterior_mean_max,
            }
            for latent in model.latents
        ]


def test_exporting_again_in_another_folder_gives_the_same_bytes_and_no_words_of_torch(
    exported: Path, checkpoint: Path
) -> None:
    done = subprocess.run(
        [BVAE, "export", str(checkpoint), "--out", "here"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    for name in ("encoder.onnx", "decoder.onnx"):
        content = (exported / name).read_bytes()
        assert content == Path("here", name).read_bytes()
        assert str(Path(sys.prefix)).encode() not in content


def test_a_net_that_does_not_give_numbers_is_not_written(bvae: Bvae) -> None:
    save_checkpoint(scaled("burgess", 1, 1e12), Path("checkpoint.pt"))
    result = bvae("export", "checkpoint.pt", "--out", "here")
    assert result.code == 1
    assert "encoder.onnx would not give the same mean as the checkpoint" in result.err
    assert list(Path("here").iterdir()) == []


@pytest.mark.parametrize("package", ["onnx", "onnxscript", "onnxruntime"])
def test_without_the_extra_it_is_said_how_to_get_it(
    bvae: Bvae, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    result = bvae("export", checkpoint, "--out", "here")
    assert result.code == 1
    assert "ONNX is not installed" in result.err
    assert "pip install 'bvae[onnx]'" in result.err
    assert not Path("here").exists()


def test_what_cannot_be_exported_is_said(bvae: Bvae, checkpoint: Path) -> None:
    for arguments, said in (
        (("nowhere.pt",), "there is no checkpoint nowhere.pt"),
        ((checkpoint, "--out", "/proc/here"), "cannot write /proc/here"),
    ):
        result = bvae("export", *arguments)
        assert result.code == 1
        assert said in result.err
