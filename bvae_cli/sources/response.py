"""What a server answers when it is asked for a file, or for the rest of one."""

import html
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import requests
import urllib3

from bvae_cli.system.timeout import run_with_timeout

TIMEOUT = 30  # seconds without a byte
PATIENCE = 120  # seconds until the head of an answer is there, all redirects followed
WINDOW = 60  # seconds over which a server's pace is taken
SLOW = 1000  # bytes a second, a pace to be given up
REDIRECTS = 10
CHUNK = 1 << 16  # bytes
HEAD = 1 << 10  # bytes in which a page shows itself
PAGE = 1 << 16  # bytes in which it has its title
TRANSIENT_STATUSES = {408, 429, 500, 502, 503, 504}  # statuses that may be others a moment later

LOOKS_LIKE_A_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+)?html", re.IGNORECASE)
TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


class MirrorError(Exception):
    """Why a mirror does not give a file, in words that go on from its URL."""


class TransientMirrorError(MirrorError):
    """A reason that may be gone when it is asked again."""


class FileResponse:
    """The answer to a request for a file from one of its bytes on."""

    def __init__(self, response: requests.Response, asked: int) -> None:
        self.response, self.asked = response, asked
        self.status = response.status_code
        self.range = response.headers.get("Content-Range", "")

    @property
    def first_byte(self) -> int | None:
        """Where in the file its bytes begin, or None where that is neither at the start nor where it was asked for."""
        if self.status == 200:
            return 0
        begins = re.match(r"bytes (\d+)-", self.range)
        return self.asked if self.status == 206 and begins and int(begins[1]) == self.asked else None

    @property
    def is_complete(self) -> bool:
        """Whether it says that the file ends where it was to begin."""
        return self.status == 416 and self.range == f"bytes */{self.asked}"

    @property
    def total(self) -> int | None:
        """Length of the whole file, in bytes, where it is announced."""
        if ends := re.search(r"/(\d+)$", self.range):
            return int(ends[1])
        length = self.response.headers.get("Content-Length", "")
        return (self.first_byte or 0) + int(length) if length.isdigit() else None

    def iter_content(self, page_expected: bool) -> Iterator[bytes]:
        """Its bytes as they come, of which the first are waited for here.

        Raises:
            MirrorError: it is a page, and none is expected.
            BrokenError: the connection breaks or drips, here or while bytes are drawn.
        """
        chunks = self.iter_at_min_speed()
        head = read_up_to(HEAD, chunks)
        said_so = self.response.headers.get("Content-Type", "").lower().startswith("text/html")
        if not page_expected and (said_so or (not self.first_byte and LOOKS_LIKE_A_PAGE.match(head))):
            raise MirrorError(f"answers with a page{page_title(head + read_up_to(PAGE, chunks))} in place of the file")
        return chain([head], chunks)

    def iter_at_min_speed(self) -> Iterator[bytes]:
        """Its bytes as they come and as they are, whatever their encoding is said to be."""
        since, count = time.monotonic(), 0
        while chunk := self.read_some():
            yield chunk
            count += len(chunk)
            if (now := time.monotonic()) - since >= WINDOW:
                if count < SLOW * WINDOW:
                    raise TransientMirrorError(f"broke off: less than {SLOW:,} bytes a second came")
                since, count = now, 0

    def read_some(self) -> bytes:
        """What has come by now, or when nothing has the first that comes; empty at the end."""
        try:
            return self.response.raw.read1(CHUNK, decode_content=False) or b""
        except urllib3.exceptions.ReadTimeoutError as error:
            raise TransientMirrorError(f"broke off: nothing came for {TIMEOUT} seconds") from error
        except urllib3.exceptions.HTTPError as error:
            raise TransientMirrorError("broke off") from error


@contextmanager
def request_file(url: str, start: int) -> Iterator[FileResponse]:
    """Ask for a file from byte `start` on.

    Raises:
        MirrorError: the answer is that there is no file.
        BrokenError: there is no answer, or one that may change.
    """
    wanted = {"Range": f"bytes={start}-"} if start else {}
    with requests.Session() as session:
        session.max_redirects = REDIRECTS
        with send_request(session, url, {"Accept-Encoding": "identity", **wanted}) as response:
            if response.status_code in TRANSIENT_STATUSES:
                raise TransientMirrorError(f"answers {response.status_code}")
            if not (response.ok or (start and response.status_code == 416)):
                raise MirrorError(f"answers {response.status_code}")
            yield FileResponse(response, start)


def send_request(session: requests.Session, url: str, headers: dict[str, str]) -> requests.Response:
    """The response of a server; raises what `request_file` does."""
    try:
        return run_with_timeout(PATIENCE, lambda: session.get(url, headers=headers, stream=True, timeout=TIMEOUT))
    except TimeoutError as error:
        raise TransientMirrorError(f"has not answered in {PATIENCE} seconds") from error
    except requests.ConnectionError as error:
        raise TransientMirrorError("cannot be reached") from error
    except requests.Timeout as error:
        raise TransientMirrorError(f"says nothing for {TIMEOUT} seconds") from error
    except requests.TooManyRedirects as error:
        raise MirrorError(f"redirects more than {REDIRECTS} times") from error
    except requests.RequestException as error:
        raise MirrorError(f"cannot be asked: {error}") from error


def read_up_to(count: int, chunks: Iterator[bytes]) -> bytes:
    """The first so many bytes, and some more that came with them."""
    received = b""
    while len(received) < count and (chunk := next(chunks, b"")):
        received += chunk
    return received


def page_title(page: bytes) -> str:
    """The title of a page to go into a sentence, or nothing where it has none."""
    found = TITLE.search(page)
    words = html.unescape(found[1].decode(errors="replace")).split() if found else []
    shown = "".join(letter for letter in " ".join(words)[:100] if letter.isprintable())
    return f', "{shown}",' if shown else ""
