"""Files from the network, checked and kept by pooch."""

from pathlib import Path

import pooch

from bvae_cli.sources.response import MirrorError
from bvae_cli.sources.source import RemoteFile
from bvae_cli.sources.transfer import Transfer, has_expected_hash
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import require_folder, write_error
from bvae_cli.system.reporting import NoticeCallback, ProgressCallback


def fetch(remote: RemoteFile, folder: Path, report: ProgressCallback, notify: NoticeCallback) -> Path:
    """The file of a remote, in `folder`, where it lies under its name only when it is whole.

    Raises:
        BvaeError: no mirror gives it, or it cannot be written. What has come of it stays for the next time.
    """
    require_folder(folder)
    path = folder / remote.name
    try:
        retrieve(remote, folder, Transfer(remote, folder, report))
        if not remote.is_verified and not has_expected_hash(path, remote):
            notify(f"{path} is not the file that was known, {remote.hash}; it is taken, as nothing else confirms that.")
    except OSError as error:
        raise write_error(path, error) from error
    return path


def retrieve(remote: RemoteFile, folder: Path, transfer: Transfer) -> None:
    """Have the file from the first mirror that gives it; raises what `fetch` does, and OSError."""
    failures = []
    for url in remote.urls:
        try:
            retrieve_from(url, remote, folder, transfer)
        except MirrorError as error:
            failures.append(f"{url} {error}")
        else:
            return
    raise BvaeError(
        failures[0] if len(failures) == 1 else "\n  ".join([f"no mirror gives {remote.name}:", *failures]),
        "try again later, or fetch it by other means and give the file with --from.",
    )


def retrieve_from(url: str, remote: RemoteFile, folder: Path, transfer: Transfer) -> None:
    """Have the file from a mirror, unless it is there; raises MirrorError, and OSError where it cannot be written."""
    pooch.get_logger().setLevel("WARNING")
    known = remote.hash if remote.is_verified else None
    try:
        pooch.retrieve(url, known, remote.name, folder, downloader=transfer)
    except ValueError as error:
        transfer.discard()
        raise MirrorError("is not the file it should be: its hash differs") from error
    transfer.discard()
