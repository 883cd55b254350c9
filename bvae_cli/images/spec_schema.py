"""Schema of a data spec in a file: in a data file and in every checkpoint."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from bvae_cli.images.spec import UNKNOWN, DataSpec, require_valid_name

MAX_IMAGES = 10**9
Count = Annotated[int, Field(ge=0, le=MAX_IMAGES)]
FactorName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def require_spec_name(name: str) -> str:
    """Return the name of a data set; raises ValueError if it is not allowed."""
    if name != UNKNOWN:
        require_valid_name("it", name)
    return name


class SpecSchema(BaseModel):
    """The fields of a `DataSpec`, with their types and ranges."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: Annotated[str, AfterValidator(require_spec_name)]
    channels: Literal[1, 3]
    likelihood: Literal["bernoulli", "gaussian", "laplace"]
    factors: dict[FactorName, Annotated[int, Field(ge=1, le=MAX_IMAGES)]]
    num_samples: Count | None = None
    pixel_format: Literal["bits", "bytes", "coloured", "noisy"] = "bits"
    center_crop: Count = 0
    resample: Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"] = "box"
    sha256: Annotated[str, StringConstraints(pattern="^([0-9a-f]{64})?$")] = ""

    @model_validator(mode="after")
    def require_countable(self) -> SpecSchema:
        """Raise ValueError if a grid has too many images."""
        if self.num_samples is None and math.prod(self.factors.values()) > MAX_IMAGES:
            raise ValueError(f"its factors have more than {MAX_IMAGES:,} combinations")
        return self

    def to_spec(self) -> DataSpec:
        """Return the data spec with these fields."""
        return DataSpec(**self.model_dump())


def parse_spec(fields: Any) -> DataSpec:
    """Return the data spec with these fields; raises ValueError if one is missing, unknown or invalid."""
    return SpecSchema.model_validate(fields).to_spec()
