"""A checkpoint's nets for other programs, in ONNX."""

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
from bvae_cli.models.layers import DownsamplingConv, UpsamplingConv
from bvae_cli.models.vae import VAE
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import require_folder, write_bytes

if TYPE_CHECKING:
    from onnx import ModelProto

TOLERANCE = 1e-5  # of the greatest number that comes out, or of 1
BATCHES = (1, 3)  # sizes at which an exported net is tried


class OnnxEncoder(nn.Module):
    """Images to posteriors, by torch's own layers."""

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.layers = replace_custom_layers(vae.encoder)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, channels, 64, 64) in [0, 1] to means and log-variances, each (batch, latent_dim)."""
        mean, logvar = self.layers(images).chunk(2, dim=1)
        return mean, logvar


class OnnxDecoder(nn.Module):
    """Codes to expected pictures, by torch's own layers."""

    def __init__(self, vae: VAE) -> None:
        super().__init__()
        self.layers = replace_custom_layers(vae.decoder)

    def forward(self, z: Tensor) -> Tensor:
        """(batch, latent_dim) to (batch, channels, 64, 64) in [0, 1]."""
        return torch.sigmoid(self.layers(z))


@dataclass(frozen=True)
class ExportedNet:
    """A half of a model as other programs get it."""

    name: str
    net: nn.Module
    original: Callable[[Tensor], Sequence[Tensor]]  # what the checkpoint computes
    sample: Callable[[int], Tensor]  # so many inputs
    inputs: dict[str, str]  # what each is
    outputs: dict[str, str]


def export_model(checkpoint: Checkpoint, out: Path) -> list[Path]:
    """Write encoder.onnx and decoder.onnx, each compared with the checkpoint at several sizes of a batch; their paths.

    Raises:
        BvaeError: the extra `onnx` is not installed, a net does not compute the same as the checkpoint, or `out` cannot
            be written. Neither file is written then, unless the second cannot be.
    """
    require_installed()
    require_folder(out)
    contents = {
        part.name: serialize(part, checkpoint) for part in (exported_encoder(checkpoint), exported_decoder(checkpoint))
    }
    for name, content in contents.items():
        write_bytes(out / name, content)
    return [out / name for name in contents]


def require_installed() -> None:
    """Raise BvaeError where a package of the extra is missing."""
    try:
        for package in ("onnx", "onnxscript", "onnxruntime"):
            importlib.import_module(package)
    except ImportError as error:
        raise BvaeError("ONNX is not installed", "pip install 'bvae[onnx]'") from error


def exported_encoder(checkpoint: Checkpoint) -> ExportedNet:
    """The half that other programs give images."""
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
    """The half that gives them pictures."""
    latents = checkpoint.vae.latent_dim
    return ExportedNet(
        name="decoder.onnx",
        net=OnnxDecoder(checkpoint.vae),
        original=lambda z: (checkpoint.vae.decode(z),),
        sample=lambda count: torch.randn(count, latents, generator=torch.Generator().manual_seed(0)),
        inputs={"z": f"a code, (batch, {latents}); the prior is a standard normal distribution"},
        outputs={"image": f"the expected picture, (batch, {checkpoint.spec.channels}, {SIDE}, {SIDE}) from 0 to 1"},
    )


def replace_custom_layers(net: nn.Module) -> nn.Module:
    """A copy whose convolutions are torch's own: ours compute the same in a way that is quick in torch alone."""
    same = copy.deepcopy(net)
    for name, layer in list(same.named_modules()):
        if isinstance(layer, DownsamplingConv | UpsamplingConv):
            kind = nn.Conv2d if isinstance(layer, DownsamplingConv) else nn.ConvTranspose2d
            geometry: dict[str, Any] = {key: getattr(layer, key) for key in ("kernel_size", "stride", "padding")}
            own = kind(layer.in_channels, layer.out_channels, **geometry)
            own.load_state_dict(layer.state_dict())
            same.set_submodule(name, own)
    return same


def serialize(part: ExportedNet, checkpoint: Checkpoint) -> bytes:
    """The bytes of an ONNX file, which depend on the model and the versions alone; raises BvaeError where it is off."""
    proto = to_onnx(part)
    strip_debug_info(proto)
    for value in (*proto.graph.input, *proto.graph.output):
        value.doc_string = (part.inputs | part.outputs)[value.name]
    for key, text in model_metadata(checkpoint).items():
        proto.metadata_props.add(key=key, value=text)
    content: bytes = proto.SerializeToString(deterministic=True)
    require_same_outputs(part, content)
    return content


def to_onnx(part: ExportedNet) -> "ModelProto":
    """The net as ONNX, for batches of any size."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns of packages that it could have used
    with warnings.catch_warnings(action="ignore"):  # of torch, about itself
        program = torch.onnx.export(
            part.net.eval(),
            (part.sample(2),),
            dynamo=True,
            input_names=list(part.inputs),
            output_names=list(part.outputs),
            dynamic_shapes=[{0: torch.export.Dim("batch")}],
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def strip_debug_info(proto: "ModelProto") -> None:
    """Remove what torch notes of its own code: the paths in it are of this machine."""
    graph = proto.graph
    del graph.metadata_props[:], graph.value_info[:]
    for entry in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        del entry.metadata_props[:]


def model_metadata(checkpoint: Checkpoint) -> dict[str, str]:
    """What is known of a model: of each latent in JSON its number, the factor that it follows, KL and range."""
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
def require_same_outputs(part: ExportedNet, content: bytes) -> None:
    """Raise BvaeError where ONNX Runtime makes of a file anything else than the checkpoint computes."""
    from onnxruntime import InferenceSession

    session = InferenceSession(content, providers=["CPUExecutionProvider"])
    for batch in BATCHES:
        given = part.sample(batch)
        results = session.run(list(part.outputs), {next(iter(part.inputs)): given.numpy()})
        for name, result, expected in zip(part.outputs, results, part.original(given), strict=True):
            off = (torch.from_numpy(result) - expected).abs().max() / expected.abs().max().clamp(min=1)
            if not off <= TOLERANCE:
                raise BvaeError(
                    f"{part.name} would not give the same {name} as the checkpoint: off by {off:.2g}",
                    "nothing was written; is the checkpoint sound?",
                )
