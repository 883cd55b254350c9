"""The data of a run, as far as it can be told here."""

from dataclasses import dataclass
from pathlib import Path

from bvae_cli.datasets import DATASETS, store
from bvae_cli.datasets.spec import UNKNOWN, DataSpec
from bvae_cli.system.errors import BvaeError


@dataclass(frozen=True)
class Provenance:
    """Where pictures came from."""

    path: Path  # of the data file
    source: str = ""
    sha256: str = ""  # of the pictures and their labels, however they are compressed
    why: str = ""  # nothing is known


def provenance(folder: Path, spec: DataSpec) -> Provenance:
    """What the data file of a run in a folder says of itself; why not, where it says nothing."""
    path = folder / f"{spec.name}.h5"
    if spec.name == UNKNOWN:
        return Provenance(path, why="what the model was trained on is not known")
    try:
        with store.opened(path, spec.name) as content:
            source, sha256 = (str(content.images.file.attrs[key]) for key in ("source", "sha256"))
            same = content.spec == spec
    except BvaeError as error:
        return Provenance(path, why=error.message)
    return Provenance(path, source, sha256) if same else Provenance(path, why=f"{path} is not what it was trained on")


def download(spec: DataSpec, source: str) -> list[str]:
    """The command, as its words, that makes the data file anew; "DIR" and "FILE" where it was of the user's own."""
    entry = DATASETS.get(spec.name)
    own = source.startswith("own ")
    words = ["bvae", "download", spec.name if entry else "folder"]
    words += ["--name", spec.name] if not entry else []
    if own or not entry:
        words += ["--from", "DIR" if source.startswith("own folder") or not entry else "FILE"]
    elif source and source != next(iter(entry.sources)):
        words += ["--source", source]
    return words + bringing(spec)


def bringing(spec: DataSpec) -> list[str]:
    """The options by which pictures are brought to their size and colours otherwise than the data set has it."""
    published = DATASETS.get(spec.name, DATASETS["folder"]).spec
    told = [(f"--{key}", getattr(spec, key), getattr(published, key)) for key in ("crop", "resample", "channels")]
    return [word for option, value, usual in told if value != usual for word in (option, str(value))]
