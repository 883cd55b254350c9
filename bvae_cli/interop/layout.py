"""How another program lays out the weights of a net that is one of ours, too."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ForeignState:
    """What a file of another program holds of a model."""

    weights: Mapping[str, Any]  # by their names there
    step: int  # gradient updates until then; 0 where the file does not say


@dataclass(frozen=True)
class CheckpointLayout:
    """An entry of the table."""

    program: str
    file: str  # what it calls its file, and what that is
    nets: Mapping[str, Mapping[str, str]]  # our nets that it has: each layer by its name there, and its name here
    interleaved: bool  # whether the encoder ends in a mean and a log-variance by turns; else all means come first
    find: Callable[
        [dict[Any, Any]], ForeignState | None
    ]  # in a file's content; None where it is another's, ValueError if odd
