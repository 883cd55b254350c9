"""Schema of the content of a checkpoint file."""

from typing import Annotated, Any

import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from bvae_cli.images.spec_schema import FactorName, SpecSchema
from bvae_cli.params import MAX_STEPS

MAX_EXAMPLES = 1000
MAX_REASON = 200  # characters of the reason why a file is corrupt

Index = Annotated[int, Field(ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def require_plain(tensor: Tensor) -> Tensor:
    """Return a tensor; raises ValueError if it is not an ordinary array in memory."""
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
        raise ValueError("it is not a dense tensor")
    return tensor


def require_finite(tensor: Tensor) -> Tensor:
    """Return a tensor; raises ValueError if it contains NaN or infinity."""
    if not tensor.isfinite().all():
        raise ValueError("it contains NaN or infinity")
    return tensor


def require_images(tensor: Tensor) -> Tensor:
    """Return a tensor; raises ValueError if it does not contain images of bytes, or too many of them."""
    if tensor.dtype != torch.uint8 or tensor.ndim != 4 or len(tensor) > MAX_EXAMPLES:
        raise ValueError("it does not contain the example images")
    return tensor


PlainTensor = Annotated[Tensor, AfterValidator(require_plain)]
Weight = Annotated[PlainTensor, AfterValidator(require_finite)]
Images = Annotated[PlainTensor, AfterValidator(require_images)]


class LatentSchema(BaseModel):
    """The fields of a `Latent`, with their types and ranges."""

    model_config = ConfigDict(strict=True, extra="forbid")

    index: Index
    kl: Finite
    posterior_variance: Finite
    posterior_mean_min: Finite
    posterior_mean_max: Finite
    top_factor: FactorName | None
    mutual_information: Finite
    normalized_mi: Finite
    posterior_mean_avg: float = float("nan")
    second_factor: FactorName | None = None
    second_normalized_mi: Finite = 0.0


class CheckpointSchema(BaseModel):
    """The content of a checkpoint. The state of training is checked when it is restored."""

    model_config = ConfigDict(strict=True, extra="ignore", arbitrary_types_allowed=True)

    step: Annotated[int, Field(ge=0, le=MAX_STEPS)]
    params: dict[str, dict[str, Any]]
    data: SpecSchema
    weights: dict[str, Weight]
    latents: list[LatentSchema]
    examples: Images
    training: dict[str, Any] | None = None
    imported_from: str | None = None
    program: str | None = None


def describe_fault(error: Exception) -> str:
    """Return the reason why a content is invalid as one line; of several faults, the first."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg'].removeprefix('Value error, ')}".removeprefix(": ")[:MAX_REASON]
    return " ".join(str(error).split())[:MAX_REASON]
