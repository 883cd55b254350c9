"""The HTTP response to a request for a file, or for the rest of one."""

import html
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import requests
import urllib3

from bvae_cli.system.timeout import run_with_timeout

READ_TIMEOUT = 30  # seconds without a byte
RESPONSE_TIMEOUT = 120  # seconds until the headers have arrived, including redirects
SPEED_WINDOW = 60  # seconds over which the download speed is averaged
MIN_SPEED = 1000  # bytes per second; a slower connection is closed
MAX_REDIRECTS = 10
CHUNK_BYTES = 1 << 16
SNIFF_BYTES = 1 << 10  # enough to recognise an HTML page
TITLE_BYTES = 1 << 16  # enough to find its title
TRANSIENT_STATUSES = {408, 429, 500, 502, 503, 504}  # statuses that are worth a retry

HTML_START = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+)?html", re.IGNORECASE)
TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


class MirrorError(Exception):
    """The reason why a mirror does not provide a file, as a predicate that follows its URL."""


class TransientMirrorError(MirrorError):
    """A reason that may disappear on a retry."""


class FileResponse:
    """The response to a request for a file from a given byte to its end."""

    def __init__(self, response: requests.Response, requested_byte: int) -> None:
        self.response, self.requested_byte = response, requested_byte
        self.status = response.status_code
        self.range = response.headers.get("Content-Range", "")

    @property
    def first_byte(self) -> int | None:
        """Return the position of its first byte in the file, or None if it is neither 0 nor the requested one."""
        if self.status == 200:
            return 0
        match = re.match(r"bytes (\d+)-", self.range)
        return self.requested_byte if self.status == 206 and match and int(match[1]) == self.requested_byte else None

    @property
    def is_complete(self) -> bool:
        """Return whether the server states that the file ends at the requested byte."""
        return self.status == 416 and self.range == f"bytes */{self.requested_byte}"

    @property
    def total(self) -> int | None:
        """Return the size of the whole file in bytes, or None if it is not announced."""
        if match := re.search(r"/(\d+)$", self.range):
            return int(match[1])
        length = self.response.headers.get("Content-Length", "")
        return (self.first_byte or 0) + int(length) if length.isdigit() else None

    def iter_content(self, is_page_expected: bool) -> Iterator[bytes]:
        """Return an iterator over its bytes, after waiting for the first of them.

        Raises:
            MirrorError: it is an HTML page, and none is expected.
            TransientMirrorError: the connection breaks or is too slow, now or during iteration.
        """
        chunks = self.iter_at_min_speed()
        head = read_up_to(SNIFF_BYTES, chunks)
        is_html = self.response.headers.get("Content-Type", "").lower().startswith("text/html")
        if not is_page_expected and (is_html or (not self.first_byte and HTML_START.match(head))):
            title = page_title(head + read_up_to(TITLE_BYTES, chunks))
            raise MirrorError(f"returns an HTML page{title} instead of the file")
        return chain([head], chunks)

    def iter_at_min_speed(self) -> Iterator[bytes]:
        """Yield its bytes as received, without decoding; raises TransientMirrorError if they arrive too slowly."""
        since, count = time.monotonic(), 0
        while chunk := self.read_some():
            yield chunk
            count += len(chunk)
            if (now := time.monotonic()) - since >= SPEED_WINDOW:
                if count < MIN_SPEED * SPEED_WINDOW:
                    raise TransientMirrorError(f"broke off: slower than {MIN_SPEED:,} bytes per second")
                since, count = now, 0

    def read_some(self) -> bytes:
        """Return the bytes that have arrived, waiting for the first if there are none; empty at the end."""
        try:
            return self.response.raw.read1(CHUNK_BYTES, decode_content=False) or b""
        except urllib3.exceptions.ReadTimeoutError as error:
            raise TransientMirrorError(f"broke off: no data for {READ_TIMEOUT} seconds") from error
        except urllib3.exceptions.HTTPError as error:
            raise TransientMirrorError("broke off") from error


@contextmanager
def request_file(url: str, start: int) -> Iterator[FileResponse]:
    """Request a file from byte `start` on; yield the response.

    Raises:
        MirrorError: the server does not provide the file.
        TransientMirrorError: the server does not respond, or with an error that may be temporary.
    """
    range_header = {"Range": f"bytes={start}-"} if start else {}
    with requests.Session() as session:
        session.max_redirects = MAX_REDIRECTS
        with send_request(session, url, {"Accept-Encoding": "identity", **range_header}) as response:
            if response.status_code in TRANSIENT_STATUSES:
                raise TransientMirrorError(f"returns status {response.status_code}")
            if not (response.ok or (start and response.status_code == 416)):
                raise MirrorError(f"returns status {response.status_code}")
            yield FileResponse(response, start)


def send_request(session: requests.Session, url: str, headers: dict[str, str]) -> requests.Response:
    """Return the response of a server; raises as `request_file` does."""
    try:
        return run_with_timeout(
            RESPONSE_TIMEOUT, lambda: session.get(url, headers=headers, stream=True, timeout=READ_TIMEOUT)
        )
    except TimeoutError as error:
        raise TransientMirrorError(f"did not respond within {RESPONSE_TIMEOUT} seconds") from error
    except requests.ConnectionError as error:
        raise TransientMirrorError("cannot be reached") from error
    except requests.Timeout as error:
        raise TransientMirrorError(f"sent no data for {READ_TIMEOUT} seconds") from error
    except requests.TooManyRedirects as error:
        raise MirrorError(f"redirects more than {MAX_REDIRECTS} times") from error
    except requests.RequestException as error:
        raise MirrorError(f"cannot be requested: {error}") from error


def read_up_to(count: int, chunks: Iterator[bytes]) -> bytes:
    """Return the first `count` bytes, and any that arrived in the same chunk."""
    received = b""
    while len(received) < count and (chunk := next(chunks, b"")):
        received += chunk
    return received


def page_title(page: bytes) -> str:
    """Return the title of an HTML page, quoted for use in a sentence, or an empty string."""
    match = TITLE.search(page)
    words = html.unescape(match[1].decode(errors="replace")).split() if match else []
    title = "".join(letter for letter in " ".join(words)[:100] if letter.isprintable())
    return f', "{title}",' if title else ""
