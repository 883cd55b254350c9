"""From a mirror to the disk, gone on with where it broke off."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import pooch

from bvae_cli.sources.response import CHUNK, FileResponse, MirrorError, TransientMirrorError, request_file
from bvae_cli.sources.source import RemoteFile
from bvae_cli.system.reporting import ProgressCallback

FIRST_PAUSES = (1,)  # seconds before a mirror that has given nothing yet is asked again
PAUSES = (1, 2, 4, 8, 16)  # seconds between attempts that bring nothing new, once something has come
EXCESS = 1.1  # times its known size, beyond which a file is refused
ENOUGH = 10**10  # bytes, beyond which a file of which nobody says the size is refused


class Transfer:
    """A downloader for pooch: what is in a file's part is kept, and only the rest asked for.

    The part has a fixed name, so that what a killed process has got is there for the next one.
    """

    def __init__(self, remote: RemoteFile, folder: Path, report: ProgressCallback) -> None:
        self.remote, self.report = remote, report
        self.part = folder / f".{remote.name}.part"
        self.is_resumed = False  # whether the part is of more than one transfer

    def __call__(self, url: str, output: str, _: object) -> None:
        """Bring the file to `output`; the part stays, where files may have two names, until its hash is known.

        Raises:
            MirrorError: the mirror does not give it.
            OSError: it cannot be written.
        """
        Path(output).unlink()  # pooch made it, and a process killed from here on is to leave nothing but the part
        self.download(url)
        if self.is_resumed and not has_expected_hash(self.part, self.remote):
            self.discard()
            self.download(url)
        try:
            Path(output).hardlink_to(self.part)
        except OSError:  # a file system where files have but one name
            self.part.replace(output)

    def download(self, url: str) -> None:
        """Attempt by attempt, until the part is whole or brings no more; raises what a call does."""
        pauses, farthest = iter(FIRST_PAUSES), self.bytes_on_disk()
        while True:
            try:
                return self.attempt_download(url)
            except TransientMirrorError:
                if self.bytes_on_disk() >= farthest + CHUNK:
                    pauses, farthest = iter(PAUSES), self.bytes_on_disk()
                if (pause := next(pauses, None)) is None:
                    raise
            time.sleep(pause)

    def attempt_download(self, url: str) -> None:
        """Ask for what is missing, once, or where the part cannot be gone on with for all; raises what a call does."""
        start = self.bytes_on_disk()
        self.is_resumed = bool(start)
        if start and start == self.remote.size:
            return self.report_progress(start, start)
        with request_file(url, start) as answer:
            if answer.is_complete:
                return self.report_progress(start, start)
            if answer.first_byte is not None:
                return self.write(answer, answer.first_byte)
        if not start:
            raise MirrorError(f"answers {answer.status} with what was not asked for")
        self.discard()
        return self.attempt_download(url)

    def write(self, answer: FileResponse, first: int) -> None:
        """Put an answer into the part, from its byte `first` on; raises what a call does."""
        total, most = answer.total or self.remote.size or 0, self.size_limit(answer.total)
        chunks = answer.iter_content(page_expected=self.remote.name.endswith(".html"))
        self.is_resumed = first > 0
        with self.part.open("ab" if first else "wb") as file:
            done = self.write_chunks(chunks, file, first, total, most)
        if done < total:
            raise TransientMirrorError("broke off")
        if not total:
            self.report_progress(done, done)

    def write_chunks(self, chunks: Iterable[bytes], file: BinaryIO, done: int, total: int, most: int) -> int:
        """Write bytes as they come, to no more than `size_limit`; how many there are now. Raises what a call does."""
        self.report_progress(done, total)
        for chunk in chunks:
            done += len(chunk)
            if done > most:
                self.discard()
                raise MirrorError("sends more than the file it should be")
            file.write(chunk)
            self.report_progress(done, total)
        return done

    def size_limit(self, announced: int | None) -> int:
        """Bytes beyond which an answer is refused; raises MirrorError where it announces them."""
        size = self.remote.size
        most = int(size * EXCESS) if size else ENOUGH
        if size and announced and announced > most:
            raise MirrorError(f"announces {announced:,} bytes, far more than the {size:,} of the file")
        return announced or most

    def report_progress(self, done: int, total: int) -> None:
        """Report the bytes in the part, those of earlier transfers too."""
        self.report(f"fetching {self.remote.name}", done, total, "bytes")

    def bytes_on_disk(self) -> int:
        """Bytes in the part."""
        return self.part.stat().st_size if self.part.exists() else 0

    def discard(self) -> None:
        """Begin from nothing."""
        self.part.unlink(missing_ok=True)


def has_expected_hash(path: Path, remote: RemoteFile) -> bool:
    """Whether a file has the hash that it should have."""
    algorithm, digest = remote.hash.split(":")
    return bool(pooch.file_hash(str(path), alg=algorithm) == digest)
