"""Who makes the models of a study."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from bvae_cli.sweep.study import Trial
from bvae_cli.sweep.worker import News, Place
from bvae_cli.system.interruption import Asked

Stack = Sequence[Trial]
"""Models of one kind, which are trained in one step."""


class Makers(Protocol):
    """Those who are at some stacks."""

    def news(self, asked: Asked) -> Iterator[News]:
        """What is heard of models, until all are over or a signal came; each is over once."""


class Crew(Protocol):
    """Makers to be had."""

    @property
    def place(self) -> Place:
        """Where each of them works."""

    @property
    def number(self) -> int:
        """How many stacks are made at a time."""

    def at(self, stacks: Sequence[Stack], folder: Path) -> AbstractContextManager[Makers]:
        """Have them make stacks of a study in a folder; at the end of the context they have saved and ended."""
