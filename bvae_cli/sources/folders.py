"""Files of the user's own folder: only those that are wanted are looked at; links to files are followed."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from bvae_cli.sources.listings import ListedFile, file_type_fault
from bvae_cli.system.opening import open_regular

MAX_BYTES = 2**40  # of a file
MAX_NAMED = 5  # endings of other files that are named

Filter = Callable[[str], bool]
"""Whether a file is wanted, given its name relative to the folder, with forward slashes."""


def list_folder(root: Path, is_wanted: Filter) -> Iterator[ListedFile]:
    """Yield the wanted files of a folder and its sub-folders, sorted by name.

    The content of a link whose target is not found cannot be read.
    """
    for name in find_files(root, is_wanted):
        path = root / name
        try:
            status = path.stat()
        except OSError:  # a link without a target is an image that cannot be read, and may be skipped as such
            yield ListedFile(name, 0, "", partial(read_file, path, 0))
        else:
            yield ListedFile(
                name, status.st_size, file_type_fault(status.st_mode), partial(read_file, path, status.st_size)
            )


def find_files(root: Path, is_wanted: Filter) -> list[str]:
    """Return the names of the wanted files in a folder and its sub-folders, sorted, without those of hidden folders."""
    return sorted((name for name in walk_folder(root) if is_wanted(name)), key=lambda name: name.split("/"))


def describe_others(root: Path, is_wanted: Filter) -> str:
    """Return the number of files that are not wanted and their most frequent endings, or an empty string."""
    endings = Counter(PurePosixPath(name).suffix.lower() for name in walk_folder(root) if not is_wanted(name))
    if not endings:
        return ""
    texts = [f"{count:,} {ending or 'without an ending'}" for ending, count in endings.most_common(MAX_NAMED)]
    return f"{sum(endings.values()):,} other files in {root} are not read: {', '.join(texts)}"


def walk_folder(root: Path) -> Iterator[str]:
    """Yield the relative name of each file in a folder and its sub-folders; links to folders are not followed."""
    pending = [""]
    while pending:
        prefix = pending.pop()
        with os.scandir(root / prefix) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{prefix}{entry.name}/")
                else:
                    yield f"{prefix}{entry.name}"


def read_file(path: Path, size: int) -> bytes:
    """Return the content of a file, and one byte more if it is longer than `size`."""
    with open_regular(path, MAX_BYTES) as file:
        return file.read(size + 1)
