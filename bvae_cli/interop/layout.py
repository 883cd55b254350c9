"""Description of the checkpoint layout of another program that has networks with the same architecture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

WRAPPERS = {"module", "_orig_mod"}  # names that DataParallel and torch.compile give to the network they wrap


def without_wrappers(name: str) -> str:
    """Return the name of a weight without the names of wrappers."""
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)


@dataclass(frozen=True)
class ForeignState:
    """The state of a model in a file of another program."""

    weights: Mapping[str, Any]  # by the parameter names of the other program
    step: int  # gradient updates; 0 if the file does not contain their number


@dataclass(frozen=True)
class CheckpointLayout:
    """The checkpoint layout of another program."""

    program: str
    file: str  # name and contents of its checkpoint file
    nets: Mapping[str, Mapping[str, str]]  # by our name of the net: its layer names mapped to ours
    is_interleaved: bool  # whether the encoder's outputs alternate between mean and log-variance; else means come first
    find: Callable[
        [dict[Any, Any]], ForeignState | None
    ]  # in a file's content; None where it is another's, ValueError if odd
