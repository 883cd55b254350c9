"""From a mirror to the disk, gone on with where it broke off."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import pooch

from bvae_cli.datasets.answer import CHUNK, Answer, BrokenError, MirrorError, asking
from bvae_cli.datasets.spec import Remote
from bvae_cli.system.reporting import Report

FIRST_PAUSES = (1,)  # seconds before a mirror that has given nothing yet is asked again
PAUSES = (1, 2, 4, 8, 16)  # seconds between attempts that bring nothing new, once something has come
EXCESS = 1.1  # times its known size, beyond which a file is refused
ENOUGH = 10**10  # bytes, beyond which a file of which nobody says the size is refused


class Transfer:
    """A downloader for pooch: what is in a file's part is kept, and only the rest asked for.

    The part has a fixed name, so that what a killed process has got is there for the next one.
    """

    def __init__(self, remote: Remote, folder: Path, report: Report) -> None:
        self.remote, self.report = remote, report
        self.part = folder / f".{remote.name}.part"
        self.pieced = False  # whether the part is of more than one transfer

    def __call__(self, url: str, output: str, _: object) -> None:
        """Bring the file to `output`; the part stays, where files may have two names, until its hash is known.

        Raises:
            MirrorError: the mirror does not give it.
            OSError: it cannot be written.
        """
        Path(output).unlink()  # pooch made it, and a process killed from here on is to leave nothing but the part
        self.bring(url)
        if self.pieced and not matches(self.part, self.remote):
            self.drop()
            self.bring(url)
        try:
            Path(output).hardlink_to(self.part)
        except OSError:  # a file system where files have but one name
            self.part.replace(output)

    def bring(self, url: str) -> None:
        """Attempt by attempt, until the part is whole or brings no more; raises what a call does."""
        pauses, farthest = iter(FIRST_PAUSES), self.got()
        while True:
            try:
                return self.attempt(url)
            except BrokenError:
                if self.got() >= farthest + CHUNK:
                    pauses, farthest = iter(PAUSES), self.got()
                if (pause := next(pauses, None)) is None:
                    raise
            time.sleep(pause)

    def attempt(self, url: str) -> None:
        """Ask for what is missing, once, or where the part cannot be gone on with for all; raises what a call does."""
        start = self.got()
        self.pieced = bool(start)
        if start and start == self.remote.size:
            return self.show(start, start)
        with asking(url, start) as answer:
            if answer.nothing_missing:
                return self.show(start, start)
            if answer.first is not None:
                return self.write(answer, answer.first)
        if not start:
            raise MirrorError(f"answers {answer.status} with what was not asked for")
        self.drop()
        return self.attempt(url)

    def write(self, answer: Answer, first: int) -> None:
        """Put an answer into the part, from its byte `first` on; raises what a call does."""
        total, most = answer.total or self.remote.size or 0, self.most(answer.total)
        chunks = answer.content(page_expected=self.remote.name.endswith(".html"))
        self.pieced = first > 0
        with self.part.open("ab" if first else "wb") as file:
            done = self.pour(chunks, file, first, total, most)
        if done < total:
            raise BrokenError("broke off")
        if not total:
            self.show(done, done)

    def pour(self, chunks: Iterable[bytes], file: BinaryIO, done: int, total: int, most: int) -> int:
        """Write bytes as they come, to no more than `most`; how many there are now. Raises what a call does."""
        self.show(done, total)
        for chunk in chunks:
            done += len(chunk)
            if done > most:
                self.drop()
                raise MirrorError("sends more than the file it should be")
            file.write(chunk)
            self.show(done, total)
        return done

    def most(self, announced: int | None) -> int:
        """Bytes beyond which an answer is refused; raises MirrorError where it announces them."""
        size = self.remote.size
        most = int(size * EXCESS) if size else ENOUGH
        if size and announced and announced > most:
            raise MirrorError(f"announces {announced:,} bytes, far more than the {size:,} of the file")
        return announced or most

    def show(self, done: int, total: int) -> None:
        """Report the bytes in the part, those of earlier transfers too."""
        self.report(f"fetching {self.remote.name}", done, total, "bytes")

    def got(self) -> int:
        """Bytes in the part."""
        return self.part.stat().st_size if self.part.exists() else 0

    def drop(self) -> None:
        """Begin from nothing."""
        self.part.unlink(missing_ok=True)


def matches(path: Path, remote: Remote) -> bool:
    """Whether a file has the hash that it should have."""
    algorithm, digest = remote.hash.split(":")
    return bool(pooch.file_hash(str(path), alg=algorithm) == digest)
