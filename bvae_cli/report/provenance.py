"""Origin of the data of a run: source, hash, and the command that creates the data file."""

from dataclasses import dataclass
from pathlib import Path

from bvae_cli.datasets import DATASETS
from bvae_cli.images import store
from bvae_cli.images.spec import UNKNOWN, DataSpec
from bvae_cli.system.errors import BvaeError


@dataclass(frozen=True)
class Provenance:
    """Origin of the images of a data file."""

    path: Path  # of the data file
    source: str = ""
    sha256: str = ""  # of the uncompressed images and labels
    missing_reason: str = ""  # why the source and the hash are unknown


def find_provenance(folder: Path, spec: DataSpec) -> Provenance:
    """Return source and hash recorded in the data file of a run, or the reason why they are unknown."""
    path = folder / f"{spec.name}.h5"
    if spec.name == UNKNOWN:
        return Provenance(path, missing_reason="the training data of the model is unknown")
    try:
        with store.open_data_file(path, spec.name) as content:
            source, sha256 = (str(content.images.file.attrs[key]) for key in ("source", "sha256"))
            is_same = content.spec.is_same_data(spec)
    except BvaeError as error:
        return Provenance(path, missing_reason=error.message)
    return (
        Provenance(path, source, sha256)
        if is_same
        else Provenance(path, missing_reason=f"{path} is not the data set that the model was trained on")
    )


def download_arguments(spec: DataSpec, source: str) -> list[str]:
    """Return the `bvae download` command that recreates the data file; "DIR" or "FILE" stands for the user's own."""
    entry = DATASETS.get(spec.name)
    is_own = source.startswith("own ")
    words = ["bvae", "download", spec.name if entry else "folder"]
    words += ["--name", spec.name] if not entry else []
    if is_own or not entry:
        words += ["--from", "DIR" if source.startswith("own folder") or not entry else "FILE"]
    elif source and source != next(iter(entry.sources)):
        words += ["--source", source]
    return words + preprocessing_options(spec)


def preprocessing_options(spec: DataSpec) -> list[str]:
    """Return the preprocessing options that differ from the defaults of the data set."""
    published = DATASETS.get(spec.name, DATASETS["folder"]).spec
    options = [
        (f"--{key.replace('_', '-')}", getattr(spec, key), getattr(published, key))
        for key in ("center_crop", "resample", "channels")
    ]
    return [word for option, value, default in options if value != default for word in (option, str(value))]
