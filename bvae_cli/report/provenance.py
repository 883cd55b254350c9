"""The data of a run, as far as it can be told here."""

from dataclasses import dataclass
from pathlib import Path

from bvae_cli.datasets import DATASETS
from bvae_cli.images import store
from bvae_cli.images.spec import UNKNOWN, DataSpec
from bvae_cli.system.errors import BvaeError


@dataclass(frozen=True)
class Provenance:
    """Where pictures came from."""

    path: Path  # of the data file
    source: str = ""
    sha256: str = ""  # of the pictures and their labels, however they are compressed
    missing_reason: str = ""  # nothing is known


def find_provenance(folder: Path, spec: DataSpec) -> Provenance:
    """What the data file of a run in a folder says of itself; why not, where it says nothing."""
    path = folder / f"{spec.name}.h5"
    if spec.name == UNKNOWN:
        return Provenance(path, missing_reason="what the model was trained on is not known")
    try:
        with store.open_data_file(path, spec.name) as content:
            source, sha256 = (str(content.images.file.attrs[key]) for key in ("source", "sha256"))
            same = content.spec == spec
    except BvaeError as error:
        return Provenance(path, missing_reason=error.message)
    return (
        Provenance(path, source, sha256)
        if same
        else Provenance(path, missing_reason=f"{path} is not what it was trained on")
    )


def download_arguments(spec: DataSpec, source: str) -> list[str]:
    """The command, as its words, that makes the data file anew; "DIR" and "FILE" where it was of the user's own."""
    entry = DATASETS.get(spec.name)
    own = source.startswith("own ")
    words = ["bvae", "download", spec.name if entry else "folder"]
    words += ["--name", spec.name] if not entry else []
    if own or not entry:
        words += ["--from", "DIR" if source.startswith("own folder") or not entry else "FILE"]
    elif source and source != next(iter(entry.sources)):
        words += ["--source", source]
    return words + preprocessing_options(spec)


def preprocessing_options(spec: DataSpec) -> list[str]:
    """The options by which pictures are brought to their size and colours otherwise than the data set has it."""
    published = DATASETS.get(spec.name, DATASETS["folder"]).spec
    options = [
        (f"--{key.replace('_', '-')}", getattr(spec, key), getattr(published, key))
        for key in ("center_crop", "resample", "channels")
    ]
    return [word for option, value, usual in options if value != usual for word in (option, str(value))]
