"""Download of files with pooch, verified by their hash."""

from pathlib import Path

import pooch

from bvae_cli.sources.response import MirrorError
from bvae_cli.sources.source import RemoteFile
from bvae_cli.sources.transfer import Transfer, has_expected_hash
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import require_folder, write_error
from bvae_cli.system.reporting import NoticeCallback, ProgressCallback


def fetch(remote: RemoteFile, folder: Path, report: ProgressCallback, notify: NoticeCallback) -> Path:
    """Return the path of a remote file, downloaded to `folder`; it gets its name only once it is complete.

    Raises:
        BvaeError: no mirror provides it, or it cannot be written. A partial download is kept for the next call.
    """
    require_folder(folder)
    path = folder / remote.name
    try:
        retrieve(remote, folder, Transfer(remote, folder, report))
        if not remote.is_verified and not has_expected_hash(path, remote):
            notify(f"{path} does not have the hash {remote.hash}; it is used anyway, since that hash is unconfirmed.")
    except OSError as error:
        raise write_error(path, error) from error
    return path


def retrieve(remote: RemoteFile, folder: Path, transfer: Transfer) -> None:
    """Download the file from the first mirror that provides it; raises as `fetch` does, and OSError."""
    failures = []
    for url in remote.urls:
        try:
            retrieve_from(url, remote, folder, transfer)
        except MirrorError as error:
            failures.append(f"{url} {error}")
        else:
            return
    raise BvaeError(
        failures[0] if len(failures) == 1 else f"no mirror provides {remote.name}: {'; '.join(failures)}",
        "try again later, or download the file by other means and pass it with --from.",
    )


def retrieve_from(url: str, remote: RemoteFile, folder: Path, transfer: Transfer) -> None:
    """Download the file from a mirror unless it exists; raises MirrorError, or OSError if it cannot be written."""
    pooch.get_logger().setLevel("WARNING")
    expected_hash = remote.hash if remote.is_verified else None
    try:
        pooch.retrieve(url, expected_hash, remote.name, folder, downloader=transfer)
    except ValueError as error:
        transfer.discard()
        raise MirrorError("provides the wrong file: its hash differs") from error
    transfer.discard()
