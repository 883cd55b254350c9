"""Reading of files of torch.save of unknown origin: plain containers and tensors, of a bounded size, and no code."""

import errno
import pickle
import warnings
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import torch

from bvae_cli.system.errors import BvaeError
from bvae_cli.system.opening import open_regular, require_bounded

MAX_BYTES = 2**33
MAX_VALUES = 1_000_000  # of all containers in a file, shared ones counted at each of their uses


def load_archive(path: Path, hint: str) -> Any:
    """Return the plain containers and tensors of a file; raises BvaeError, with the hint, if it has anything else."""
    truncated = BvaeError(f"{path} is truncated or not a checkpoint", f"copy the file again, or {hint}")
    try:
        with open_regular(path, MAX_BYTES) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from PyTorch, about files that are rejected below
            require_uncompressed(file)
            content = torch.load(file, map_location="cpu", weights_only=True)
        require_bounded(content, contained_values, MAX_VALUES)
    except BvaeError:
        raise
    except FileNotFoundError as error:
        raise BvaeError(f"checkpoint not found: {path}", hint) from error
    except OSError as error:
        if error.errno == errno.EINVAL:  # PyTorch seeks before the start of a truncated file
            raise truncated from error
        raise BvaeError(
            f"cannot read {path}: {error.strerror}", "pass the path of a readable checkpoint file."
        ) from error
    except pickle.UnpicklingError as error:
        raise BvaeError(
            f"{path} is not a valid checkpoint (corrupt, or contains pickled code), so it was not loaded", hint
        ) from error
    except Exception as error:  # malformed bytes can raise any exception
        raise truncated from error
    return content


def require_uncompressed(file: BinaryIO) -> None:
    """Raise ValueError if a zip has compressed or overlapping members: torch.save writes neither."""
    if zipfile.is_zipfile(file):
        members = zipfile.ZipFile(file).infolist()
        size = file.seek(0, 2)
        if any(member.compress_type for member in members) or sum(member.file_size for member in members) > size:
            raise ValueError("its members are compressed, or overlap")
    file.seek(0)


def contained_values(container: Any) -> Iterable[Any]:
    """Return the keys and values of a mapping, or the values of a list; none for anything else."""
    if isinstance(container, dict):
        return [*container, *container.values()]
    return container if isinstance(container, list | tuple | set) else ()
