"""Files from the network, by pooch."""

from pathlib import Path

import pooch
import requests

from bvae_cli.datasets.spec import Remote
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import Report

CHUNK = 1 << 16  # bytes
TIMEOUT = 30  # seconds without a byte


class Meter:
    """What pooch wants of a progress bar, as a report."""

    def __init__(self, report: Report, name: str) -> None:
        self.report, self.name = report, name
        self.total = self.done = 0

    def update(self, amount: int) -> None:
        """Count bytes; the last chunk may be counted for longer than it is, and all of them once more at the end."""
        before, self.done = self.done, min(self.done + amount, self.total)
        if self.done > before:
            self.report(self.name, self.done, self.total)

    def reset(self) -> None:
        """Nothing to reset."""

    def close(self) -> None:
        """Nothing to close."""


def fetch(remote: Remote, folder: Path, report: Report) -> Path:
    """The file of a URL, in `folder`, where it lies under its name only when it is whole and its hash is right.

    Raises:
        BvaeError: no network, no such page, a file cut short, or another file than the one expected.
    """
    name = remote.url.rsplit("/", 1)[-1]
    loader = pooch.HTTPDownloader(progressbar=Meter(report, f"fetching {name}"), chunk_size=CHUNK, timeout=TIMEOUT)
    elsewhere = "or fetch it by other means and give the file with --from."
    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(remote.url, f"sha256:{remote.sha256}", name, folder, downloader=loader))
    except requests.HTTPError as error:
        raise BvaeError(
            f"{remote.url} answers {error.response.status_code}", f"try again later, {elsewhere}"
        ) from error
    except requests.ConnectionError as error:
        raise BvaeError(f"cannot reach {remote.url}", f"is there a network? Try again, {elsewhere}") from error
    except requests.RequestException as error:
        raise BvaeError(f"{remote.url} broke off: {error}", f"try again, {elsewhere}") from error
    except ValueError as error:
        raise BvaeError(
            f"{remote.url} is not the file it should be: its SHA-256 differs", f"try again, {elsewhere}"
        ) from error
