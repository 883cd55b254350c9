"""What a source is: a file on the network, and how it is to be read."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

from bvae_cli.images.spec import DataSpec
from bvae_cli.system.reporting import NoticeCallback, ProgressCallback, ignore_notice, ignore_progress


@dataclass(frozen=True)
class ReadOptions:
    """How a source is to be read."""

    spec: DataSpec  # what its pictures are brought to; their factors and number are the source's own
    skip_corrupt: bool = (
        False  # whether a picture that cannot be read is told and left out, and does not end the reading
    )
    report: ProgressCallback = ignore_progress
    notify: NoticeCallback = ignore_notice
    exit_stack: ExitStack = field(default_factory=ExitStack)  # what stays open until the pictures are drawn


@dataclass(frozen=True)
class RemoteFile:
    """A file on the network, taken from the first of its mirrors that gives it whole."""

    name: str  # that it is kept under, and that an own copy in a folder is looked for by
    urls: tuple[str, ...]  # its mirrors
    hash: str  # "sha256:…" or "md5:…"
    size: int | None = None  # bytes, where it is known
    is_verified: bool = True  # whether another hash is refused; where no second source confirms it, it is but told
