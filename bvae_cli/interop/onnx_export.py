"""Export of encoder and decoder to ONNX."""

import copy
import importlib
import json
import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

import bvae_cli
from bvae_cli.checkpoint import Checkpoint
from bvae_cli.images.spec import SIDE
from bvae_cli.models.layers import Conv, TransposedConv
from bvae_cli.models.vae import VAE
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import require_folder, write_bytes

if TYPE_CHECKING:
    from onnx import ModelProto

TOLERANCE = 1e-5  # maximum error, relative to the largest absolute output or to 1
BATCH_SIZES = (1, 3)  # at which an exported net is compared with the checkpoint


class OnnxEncoder(nn.Module):
    """The encoder built from standard PyTorch layers."""

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.layers = replace_custom_layers(vae.encoder)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Encode images, (batch, channels, 64, 64) in [0, 1]; return means and log-variances, (batch, latent_dim)."""
        mean, logvar = self.layers(images).chunk(2, dim=1)
        return mean, logvar


class OnnxDecoder(nn.Module):
    """The decoder built from standard PyTorch layers."""

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.layers = replace_custom_layers(vae.decoder)

    def forward(self, z: Tensor) -> Tensor:
        """Decode codes, (batch, latent_dim), to expected images, (batch, channels, 64, 64) in [0, 1]."""
        return torch.sigmoid(self.layers(z))


@dataclass(frozen=True)
class ExportedNet:
    """An encoder or decoder to export."""

    name: str  # of the file
    net: nn.Module
    original: Callable[[Tensor], Sequence[Tensor]]  # computes the outputs with the checkpoint
    sample: Callable[[int], Tensor]  # returns a batch of random inputs of the given size
    inputs: dict[str, str]  # description by name
    outputs: dict[str, str]  # description by name


def export_model(checkpoint: Checkpoint, out: Path) -> list[Path]:
    """Write encoder.onnx and decoder.onnx and return their paths.

    The outputs of both are compared with the checkpoint at several batch sizes before anything is written.

    Raises:
        BvaeError: the extra `onnx` is not installed, a net differs from the checkpoint, or `out` cannot be written. No
            file is written then, unless only the second one cannot be.
    """
    require_installed()
    require_folder(out)
    nets = (exported_encoder(checkpoint), exported_decoder(checkpoint))
    contents = {exported.name: serialize(exported, checkpoint) for exported in nets}
    for name, content in contents.items():
        write_bytes(out / name, content)
    return [out / name for name in contents]


def require_installed() -> None:
    """Raise BvaeError if a package of the extra `onnx` is not installed."""
    try:
        for package in ("onnx", "onnxscript", "onnxruntime"):
            importlib.import_module(package)
    except ImportError as error:
        raise BvaeError("ONNX is not installed", "pip install 'bvae[onnx]'") from error


def exported_encoder(checkpoint: Checkpoint) -> ExportedNet:
    """Return the encoder to export."""
    channels, posterior = checkpoint.spec.channels, "of the posterior, (batch, latents)"
    return ExportedNet(
        name="encoder.onnx",
        net=OnnxEncoder(checkpoint.vae),
        original=checkpoint.vae.encode,
        sample=lambda count: torch.rand(count, channels, SIDE, SIDE, generator=torch.Generator().manual_seed(0)),
        inputs={"images": f"(batch, {channels}, {SIDE}, {SIDE}) from 0 to 1"},
        outputs={"mean": f"mean {posterior}", "logvar": f"log-variance {posterior}"},
    )


def exported_decoder(checkpoint: Checkpoint) -> ExportedNet:
    """Return the decoder to export."""
    latents = checkpoint.vae.latent_dim
    return ExportedNet(
        name="decoder.onnx",
        net=OnnxDecoder(checkpoint.vae),
        original=lambda z: (checkpoint.vae.decode(z),),
        sample=lambda count: torch.randn(count, latents, generator=torch.Generator().manual_seed(0)),
        inputs={"z": f"a code, (batch, {latents}); the prior is a standard normal distribution"},
        outputs={"image": f"the expected image, (batch, {checkpoint.spec.channels}, {SIDE}, {SIDE}) from 0 to 1"},
    )


def replace_custom_layers(net: nn.Module) -> nn.Module:
    """Return a copy with standard PyTorch convolutions; the custom ones are faster only in PyTorch."""
    result = copy.deepcopy(net)
    for name, layer in list(result.named_modules()):
        if isinstance(layer, Conv | TransposedConv):
            layer_class = nn.Conv2d if isinstance(layer, Conv) else nn.ConvTranspose2d
            geometry: dict[str, Any] = {key: getattr(layer, key) for key in ("kernel_size", "stride", "padding")}
            standard = layer_class(layer.in_channels, layer.out_channels, **geometry)
            standard.load_state_dict(layer.state_dict())
            result.set_submodule(name, standard)
    return result


def serialize(exported: ExportedNet, checkpoint: Checkpoint) -> bytes:
    """Return the contents of an ONNX file, reproducible for a model and package versions.

    Raises:
        BvaeError: its outputs differ from those of the checkpoint.
    """
    proto = to_onnx(exported)
    strip_debug_info(proto)
    for value in (*proto.graph.input, *proto.graph.output):
        value.doc_string = (exported.inputs | exported.outputs)[value.name]
    for key, text in model_metadata(checkpoint).items():
        proto.metadata_props.add(key=key, value=text)
    content: bytes = proto.SerializeToString(deterministic=True)
    require_same_outputs(exported, content)
    return content


def to_onnx(exported: ExportedNet) -> "ModelProto":
    """Return the net as an ONNX model with a dynamic batch size."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # no warnings about optional packages
    with warnings.catch_warnings(action="ignore"):  # deprecation warnings within PyTorch
        program = torch.onnx.export(
            exported.net.eval(),
            (exported.sample(2),),
            dynamo=True,
            input_names=list(exported.inputs),
            output_names=list(exported.outputs),
            dynamic_shapes=[{0: torch.export.Dim("batch")}],
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def strip_debug_info(proto: "ModelProto") -> None:
    """Remove the debug information of PyTorch, which contains paths of this machine."""
    graph = proto.graph
    del graph.metadata_props[:], graph.value_info[:]
    for entry in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        del entry.metadata_props[:]


def model_metadata(checkpoint: Checkpoint) -> dict[str, str]:
    """Return the version, the data set, and the latent statistics as JSON: index, top factor, KL and range."""
    known = [
        {
            "latent": latent.index,
            "top_factor": latent.top_factor,
            "kl": latent.kl,
            "posterior_mean_min": latent.posterior_mean_min,
            "posterior_mean_max": latent.posterior_mean_max,
        }
        for latent in checkpoint.latents
    ]
    unknown = [{"latent": index, "top_factor": None} for index in range(checkpoint.vae.latent_dim)]
    return {"bvae": bvae_cli.__version__, "dataset": checkpoint.spec.name, "latents": json.dumps(known or unknown)}


@torch.inference_mode()
def require_same_outputs(exported: ExportedNet, content: bytes) -> None:
    """Raise BvaeError if the outputs of ONNX Runtime differ from those of the checkpoint."""
    from onnxruntime import InferenceSession

    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    for batch_size in BATCH_SIZES:
        batch = exported.sample(batch_size)
        results = session.run(list(exported.outputs), {next(iter(exported.inputs)): batch.numpy()})
        for name, result, expected in zip(exported.outputs, results, exported.original(batch), strict=True):
            error = (torch.from_numpy(result) - expected).abs().max() / expected.abs().max().clamp(min=1)
            if not error <= TOLERANCE:
                raise BvaeError(
                    f"invalid {exported.name}: its {name} differs from that of the checkpoint by {error:.2g}",
                    "nothing was written; check the weights of the checkpoint for very large values or NaN.",
                )
