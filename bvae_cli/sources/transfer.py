"""Resumable download from a mirror to disk."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import pooch

from bvae_cli.sources.response import CHUNK_BYTES, FileResponse, MirrorError, TransientMirrorError, request_file
from bvae_cli.sources.source import RemoteFile
from bvae_cli.system.files import TEMPORARY_SUFFIX
from bvae_cli.system.reporting import ProgressCallback

INITIAL_PAUSES = (1,)  # seconds before the retries of a mirror that has sent nothing yet
RETRY_PAUSES = (1, 2, 4, 8, 16)  # seconds before the retries after the last progress, once something has arrived
MAX_SIZE_RATIO = 1.1  # accepted size of a file, relative to its known size
MAX_UNKNOWN_BYTES = 10**10  # accepted size of a file whose size is unknown


class Transfer:
    """A downloader for pooch that keeps a partial file and requests only the rest.

    The partial file has a fixed name, so that a later process can resume the download of a killed one.
    """

    def __init__(self, remote: RemoteFile, folder: Path, report: ProgressCallback) -> None:
        self.remote, self.report = remote, report
        self.part = folder / f".{remote.name}{TEMPORARY_SUFFIX}"
        self.is_resumed = False  # whether the partial file stems from more than one transfer

    def __call__(self, url: str, output: str, _: object) -> None:
        """Download the file to `output`; with hard links, the partial file stays until the hash is verified.

        Raises:
            MirrorError: the mirror does not provide it.
            OSError: it cannot be written.
        """
        Path(output).unlink()  # created by pooch; a killed process must leave only the partial file
        self.download(url)
        if self.is_resumed and not has_expected_hash(self.part, self.remote):
            self.discard()
            self.download(url)
        try:
            Path(output).hardlink_to(self.part)
        except OSError:  # the file system has no hard links
            self.part.replace(output)

    def download(self, url: str) -> None:
        """Retry until the partial file is complete or no progress is made; raises as `__call__` does."""
        pauses, progress = iter(INITIAL_PAUSES), self.bytes_on_disk()
        while True:
            try:
                return self.attempt_download(url)
            except TransientMirrorError:
                if self.bytes_on_disk() >= progress + CHUNK_BYTES:
                    pauses, progress = iter(RETRY_PAUSES), self.bytes_on_disk()
                if (pause := next(pauses, None)) is None:
                    raise
            time.sleep(pause)

    def attempt_download(self, url: str) -> None:
        """Request the missing bytes once, or the whole file if it cannot be resumed; raises as `__call__` does."""
        start = self.bytes_on_disk()
        self.is_resumed = bool(start)
        if start and start == self.remote.size:
            return self.report_progress(start, start)
        with request_file(url, start) as response:
            if response.is_complete:
                return self.report_progress(start, start)
            if response.first_byte is not None:
                return self.write(response, response.first_byte)
        if not start:
            raise MirrorError(f"returns status {response.status} with bytes that were not requested")
        self.discard()
        return self.attempt_download(url)

    def write(self, response: FileResponse, first: int) -> None:
        """Write a response to the partial file, from byte `first` on; raises as `__call__` does."""
        total, max_bytes = response.total or self.remote.size or 0, self.size_limit(response.total)
        chunks = response.iter_content(is_page_expected=self.remote.name.endswith(".html"))
        self.is_resumed = first > 0
        with self.part.open("ab" if first else "wb") as file:
            done = self.write_chunks(chunks, file, first, total, max_bytes)
        if done < total:
            raise TransientMirrorError("broke off")
        if not total:
            self.report_progress(done, done)

    def write_chunks(self, chunks: Iterable[bytes], file: BinaryIO, done: int, total: int, max_bytes: int) -> int:
        """Write chunks up to `max_bytes` in total and return the number of bytes on disk; raises as `__call__` does."""
        self.report_progress(done, total)
        for chunk in chunks:
            done += len(chunk)
            if done > max_bytes:
                self.discard()
                raise MirrorError("sends more bytes than the file should have")
            file.write(chunk)
            self.report_progress(done, total)
        return done

    def size_limit(self, announced: int | None) -> int:
        """Return the largest accepted size in bytes; raises MirrorError if the server announces more."""
        size = self.remote.size
        max_bytes = int(size * MAX_SIZE_RATIO) if size else MAX_UNKNOWN_BYTES
        if size and announced and announced > max_bytes:
            raise MirrorError(f"announces {announced:,} bytes; the file should have {size:,}")
        return announced or max_bytes

    def report_progress(self, done: int, total: int) -> None:
        """Report the number of bytes in the partial file, including those of earlier transfers."""
        self.report(f"downloading {self.remote.name}", done, total, "bytes")

    def bytes_on_disk(self) -> int:
        """Return the number of bytes in the partial file."""
        return self.part.stat().st_size if self.part.exists() else 0

    def discard(self) -> None:
        """Delete the partial file."""
        self.part.unlink(missing_ok=True)


def has_expected_hash(path: Path, remote: RemoteFile) -> bool:
    """Return whether a file has the expected hash."""
    algorithm, digest = remote.hash.split(":")
    return bool(pooch.file_hash(str(path), alg=algorithm) == digest)
