"""Downloads from servers that behave correctly, and from servers that do not."""

import gzip
import hashlib
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from bvae_cli.sources import response, transfer
from bvae_cli.sources.fetch import fetch
from bvae_cli.sources.source import RemoteFile
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import ignore_progress

NAME = "file.npz"
PATH, PART = Path("data", NAME), Path("data", f".{NAME}.bvae-part")
CONTENT = b"PK" + np.random.default_rng(0).bytes(400_000)
HASH = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
PAGE = b"\xef\xbb\xbf\n<!DOCTYPE html><title>\n Google&nbsp;Drive -\x1b Quota exceeded </title>"
NOWHERE = "http://127.0.0.1:9/file.npz"  # the discard port, on which no server listens


class Mirror(ThreadingHTTPServer):
    """A local server that performs one action per request, and repeats the last one."""

    def __init__(self, *acts: "Act") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.acts = list(acts)
        self.ranges: list[str | None] = []  # the Range header of each request
        self.ended = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/{NAME}"


class Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers["Range"])
        act = self.server.acts[0] if len(self.server.acts) == 1 else self.server.acts.pop(0)
        with suppress(ConnectionError):
            act(self)

    def log_message(self, *_: object) -> None: ...

    @property
    def start(self) -> int:
        """Return the first byte requested."""
        return int(re.sub(r"\D", "", self.headers["Range"] or "0"))

    def head(self, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


Act = Callable[[Handler], None]
Serve = Callable[..., Mirror]


def send_file(handler: Handler, end: int | None = None, content: bytes = CONTENT) -> None:
    """Send the file, or the requested rest of it, up to byte `end`."""
    start, size = handler.start, len(content)
    if start >= size:
        return handler.head(416, Content_Range=f"bytes */{size}")
    if start:
        handler.head(206, Content_Length=size - start, Content_Range=f"bytes {start}-{size - 1}/{size}")
    else:
        handler.head(Content_Length=size)
    handler.wfile.write(content[start:end])
    return None


def send_truncated(end: int) -> Act:
    return partial(send_file, end=end)


def send(content: bytes, status: int = 200, **headers: object) -> Act:
    """Return an action that sends the same bytes whatever is requested."""

    def act(handler: Handler) -> None:
        handler.head(status, **{"Content_Length": len(content), **headers})
        handler.wfile.write(content)

    return act


def send_without_length(handler: Handler) -> None:
    handler.head()
    handler.wfile.write(CONTENT)


def send_endlessly(handler: Handler) -> None:
    handler.head()
    while not handler.server.ended.is_set():
        handler.wfile.write(CONTENT)


def send_slowly(handler: Handler) -> None:
    handler.head(Content_Length=len(CONTENT))
    for byte in CONTENT:
        handler.wfile.write(bytes([byte]))
        if handler.server.ended.wait(0.02):
            break


def send_headers_slowly(handler: Handler) -> None:
    """Send headers that never end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not handler.server.ended.wait(0.02):
        handler.wfile.write(b"a")


def stall(handler: Handler) -> None:
    """Send half of the file, then nothing."""
    send_file(handler, end=len(CONTENT) // 2)
    handler.server.ended.wait()


def stay_silent(handler: Handler) -> None:
    handler.server.ended.wait()


def redirect(to: str) -> Act:
    return lambda handler: handler.head(302, Location=to, Content_Length=0)


def send_compressed(handler: Handler) -> None:
    """Send the file compressed if the client accepts it."""
    if "gzip" in handler.headers["Accept-Encoding"]:
        send(gzip.compress(CONTENT), Content_Encoding="gzip")(handler)
    else:
        send_file(handler)


@pytest.fixture
def serve() -> Iterator[Serve]:
    mirrors: list[Mirror] = []

    def start(*acts: Act) -> Mirror:
        mirrors.append(Mirror(*acts))
        threading.Thread(target=mirrors[-1].serve_forever, args=(0.01,)).start()
        return mirrors[-1]

    yield start
    for mirror in mirrors:
        mirror.ended.set()
        mirror.shutdown()
        mirror.server_close()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "INITIAL_PAUSES", (0,))
    monkeypatch.setattr(transfer, "RETRY_PAUSES", (0, 0))


def fetch_from(
    *mirrors: Mirror | str, is_verified: bool = True, size: int | None = None, known: str = HASH
) -> list[str]:
    """Fetch from some mirrors and return the notices."""
    urls = tuple(mirror if isinstance(mirror, str) else mirror.url for mirror in mirrors)
    notices: list[str] = []
    assert (
        fetch(RemoteFile(NAME, urls, known, size, is_verified), Path("data"), ignore_progress, notices.append) == PATH
    )
    return notices


def fetch_error(*mirrors: Mirror | str, is_verified: bool = True, size: int | None = None) -> str:
    """Fetch without success and return the error message."""
    with pytest.raises(BvaeError) as caught:
        fetch_from(*mirrors, is_verified=is_verified, size=size)
    assert not PATH.exists()
    return caught.value.message


def write_partial_file(part: bytes) -> None:
    """Write a partial file as if a process had been killed."""
    Path("data").mkdir()
    PART.write_bytes(part)


def file_names() -> list[str]:
    return sorted(path.name for path in Path("data").iterdir())


def test_only_the_downloaded_file_remains(serve: Serve) -> None:
    assert fetch_from(serve(send_file)) == []
    assert PATH.read_bytes() == CONTENT
    assert file_names() == [NAME]


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_an_existing_file_needs_no_network(kind: str) -> None:
    Path("data").mkdir()
    PATH.write_bytes(CONTENT)
    assert fetch_from(NOWHERE, known=f"{kind}:{hashlib.new(kind, CONTENT).hexdigest()}") == []


def test_an_existing_file_with_another_hash_is_replaced(serve: Serve) -> None:
    Path("data").mkdir()
    PATH.write_bytes(CONTENT[:-1])
    fetch_from(serve(send_file))
    assert PATH.read_bytes() == CONTENT


def test_a_broken_transfer_is_resumed(serve: Serve) -> None:
    mirror = serve(send_truncated(100_000), send_truncated(250_000), send_file)
    fetch_from(mirror)
    assert PATH.read_bytes() == CONTENT
    assert mirror.ranges == [None, "bytes=100000-", "bytes=250000-"]


def test_a_mirror_without_progress_is_replaced_by_the_next(serve: Serve) -> None:
    broken, working = serve(send_truncated(100_000)), serve(send_file)
    fetch_from(broken, working)
    assert PATH.read_bytes() == CONTENT
    assert broken.ranges == [None, *["bytes=100000-"] * 2]
    assert working.ranges == ["bytes=100000-"]


def test_a_partial_file_is_kept_for_the_next_call(serve: Serve) -> None:
    assert fetch_error(serve(send_truncated(100_000))).endswith("broke off")
    assert file_names() == [PART.name]
    mirror = serve(send_file)
    fetch_from(mirror)
    assert mirror.ranges == ["bytes=100000-"]
    assert file_names() == [NAME]


def test_progress_includes_the_bytes_of_earlier_transfers(serve: Serve) -> None:
    reports: list[tuple[str, int, int, str]] = []

    def report(task: str, completed: int, total: int, unit: str = "") -> None:
        reports.append((task, completed, total, unit))

    write_partial_file(CONTENT[:100_000])
    fetch(RemoteFile(NAME, (serve(send_truncated(200_000), send_file).url,), HASH), Path("data"), report, print)
    assert {(what, total, unit) for what, _, total, unit in reports} == {(f"downloading {NAME}", len(CONTENT), "bytes")}
    done = [done for _, done, _, _ in reports]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (100_000, len(CONTENT))
    assert done.count(len(CONTENT)) == 1


def test_without_a_length_only_the_end_is_reported(serve: Serve) -> None:
    reports: list[tuple[int, int]] = []
    remote = RemoteFile(NAME, (serve(send_without_length).url,), HASH)
    fetch(remote, Path("data"), lambda what, done, total, unit="": reports.append((done, total)), print)
    assert reports[0] == (0, 0)
    assert reports[-1] == (len(CONTENT), len(CONTENT))
    assert {total for _, total in reports[:-1]} == {0}


@pytest.mark.parametrize(
    "act",
    [
        send(CONTENT),
        send(b"", 416),
        send(CONTENT[5:], 206, Content_Range=f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"),
        send(CONTENT[5:], 206),
    ],
    ids=["no ranges", "no such range", "another range", "an unnamed range"],
)
def test_a_server_that_cannot_resume_restarts_the_download(serve: Serve, act: Act) -> None:
    write_partial_file(CONTENT[:100_000])
    mirror = serve(act, send_file)
    fetch_from(mirror)
    assert PATH.read_bytes() == CONTENT
    assert mirror.ranges[1:] in ([], [None])


def test_a_range_that_was_not_requested_is_an_error(serve: Serve) -> None:
    assert "bytes that were not requested" in fetch_error(serve(send(CONTENT[5:], 206, Content_Range="bytes 5-9/10")))


def test_a_complete_partial_file_is_not_downloaded_again(serve: Serve) -> None:
    write_partial_file(CONTENT)
    fetch_from(NOWHERE, size=len(CONTENT))
    assert file_names() == [NAME]
    PATH.rename(PART)
    mirror = serve(send_file)
    fetch_from(mirror)
    assert PATH.read_bytes() == CONTENT
    assert mirror.ranges == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("is_verified", [True, False])
@pytest.mark.parametrize("count", [100_000, len(CONTENT)])
def test_a_partial_file_of_another_file_restarts_the_download(serve: Serve, is_verified: bool, count: int) -> None:
    write_partial_file(bytes(count))
    mirror = serve(send_file)
    assert fetch_from(mirror, is_verified=is_verified, size=len(CONTENT)) == []
    assert PATH.read_bytes() == CONTENT
    assert mirror.ranges[-1] is None


def test_a_wrong_file_is_deleted_and_the_next_mirror_tried(serve: Serve) -> None:
    wrong, right = serve(send(CONTENT[:-1])), serve(send_file)
    fetch_from(wrong, right)
    assert PATH.read_bytes() == CONTENT
    assert (wrong.ranges, right.ranges) == ([None], [None])


def test_a_wrong_file_is_an_error_and_is_deleted(serve: Serve) -> None:
    assert "provides the wrong file: its hash differs" in fetch_error(serve(send(CONTENT[:-1])))
    assert file_names() == []


def test_a_mismatch_of_an_unverified_hash_is_only_a_notice(serve: Serve) -> None:
    for mirror in (serve(send(CONTENT[:-1])), NOWHERE):
        (notice,) = fetch_from(mirror, is_verified=False)
        assert HASH in notice
        assert PATH.read_bytes() == CONTENT[:-1]
    assert file_names() == [NAME]


@pytest.mark.parametrize("is_verified", [True, False])
@pytest.mark.parametrize(
    ("act", "title"),
    [
        (send(PAGE), ', "Google Drive - Quota exceeded",'),
        (send(b"<HTML>quota", Content_Type="application/octet-stream"), ""),
        (send(b"sorry" + bytes(70_000), Content_Type="text/html; charset=utf-8"), ""),
    ],
    ids=["doctype", "html", "content type"],
)
def test_an_html_page_is_an_error_and_keeps_the_partial_file(
    serve: Serve, is_verified: bool, act: Act, title: str
) -> None:
    write_partial_file(CONTENT[:100_000])
    assert fetch_error(serve(act), is_verified=is_verified).endswith(f"returns an HTML page{title} instead of the file")
    assert PART.read_bytes() == CONTENT[:100_000]


def test_a_requested_html_page_is_downloaded(serve: Serve) -> None:
    url = serve(send(PAGE, Content_Type="text/html")).url
    remote = RemoteFile("page.html", (url,), f"md5:{hashlib.md5(PAGE).hexdigest()}")
    assert fetch(remote, Path("data"), ignore_progress, print).read_bytes() == PAGE


@pytest.mark.parametrize(("status", "times"), [(403, 1), (404, 1), (429, 2), (503, 2)])
def test_a_status_is_reported_and_a_transient_one_retried_once(serve: Serve, status: int, times: int) -> None:
    mirror = serve(send(PAGE, status))
    assert fetch_error(mirror) == f"{mirror.url} returns status {status}"
    assert len(mirror.ranges) == times


def test_one_error_lists_all_failed_mirrors(serve: Serve) -> None:
    gone, wrong = serve(send(b"gone", 404)), serve(send(b"PK wrong"))
    with pytest.raises(BvaeError) as caught:
        fetch_from(NOWHERE, gone, wrong)
    assert caught.value.message == (
        f"no mirror provides {NAME}: {NOWHERE} cannot be reached; {gone.url} returns status 404; "
        f"{wrong.url} provides the wrong file: its hash differs"
    )
    assert caught.value.hint == "try again later, or download the file by other means and pass it with --from."


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (stay_silent, "sent no data for"),
        (stall, "broke off: no data for"),
        (send_slowly, "slower than 1,000 bytes per second"),
        (send_headers_slowly, "did not respond within 0.5 seconds"),
    ],
)
def test_a_slow_server_is_abandoned(serve: Serve, monkeypatch: pytest.MonkeyPatch, act: Act, message: str) -> None:
    monkeypatch.setattr(response, "READ_TIMEOUT", 0.2)
    monkeypatch.setattr(response, "SPEED_WINDOW", 0.2)
    monkeypatch.setattr(response, "RESPONSE_TIMEOUT", 0.5)
    assert message in fetch_error(serve(act))
    fetch_from(serve(act), serve(send_file))
    assert PATH.read_bytes() == CONTENT


def test_redirects_are_followed_up_to_a_limit(serve: Serve) -> None:
    fetch_from(serve(redirect(serve(send_file).url)))
    assert PATH.read_bytes() == CONTENT
    PATH.unlink()
    circle = serve(redirect("/again"))
    assert "redirects" in fetch_error(circle)
    assert len(circle.ranges) <= response.MAX_REDIRECTS + 1


def test_too_many_bytes_are_an_error(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "sends more" in fetch_error(serve(send_endlessly), size=len(CONTENT))
    assert "announces 1,000,000 bytes" in fetch_error(serve(send(bytes(1_000_000))), size=len(CONTENT))
    monkeypatch.setattr(transfer, "MAX_UNKNOWN_BYTES", 1_000_000)
    assert "sends more" in fetch_error(serve(send_endlessly))
    assert file_names() == []


def test_more_bytes_than_announced_are_an_error_or_ignored(serve: Serve) -> None:
    write_partial_file(CONTENT[:100_000])
    more = {"Content_Length": len(CONTENT), "Content_Range": f"bytes 100000-199999/{200_000}"}
    assert "sends more" in fetch_error(serve(send(CONTENT, 206, **more)))
    fetch_from(serve(send(CONTENT + bytes(1000), Content_Length=len(CONTENT))))
    assert PATH.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "act", [send_compressed, send(CONTENT, Content_Encoding="gzip")], ids=["offered", "only declared"]
)
def test_content_encodings_do_not_change_the_file(serve: Serve, act: Act) -> None:
    fetch_from(serve(act), size=len(CONTENT))
    assert PATH.read_bytes() == CONTENT


def test_a_full_disk_is_an_error_and_keeps_the_partial_file(serve: Serve) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    mirror = serve(send_file)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        assert "cannot write" in fetch_error(mirror)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file_names() == [PART.name]
    fetch_from(mirror)
    assert mirror.ranges == [None, "bytes=100000-"]
    assert PATH.read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written_is_an_error() -> None:
    with pytest.raises(BvaeError, match="cannot write /proc/data"):
        fetch(RemoteFile(NAME, (NOWHERE,), HASH), Path("/proc/data"), ignore_progress, print)


def test_the_transfer_of_a_killed_process_is_resumed(serve: Serve) -> None:
    mirror = serve(stall, send_file)
    remote = RemoteFile(NAME, (mirror.url,), HASH)
    code = (
        "from pathlib import Path; from bvae_cli.sources.fetch import fetch, RemoteFile\n"
        f"fetch({remote}, Path('data'), lambda *_: None, print)"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as running:
        deadline = time.monotonic() + 30
        while not (PART.exists() and PART.stat().st_size >= len(CONTENT) // 2 - 2**14):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        running.send_signal(signal.SIGKILL)
    partial_bytes = PART.stat().st_size
    assert file_names() == [PART.name]
    fetch_from(mirror)
    assert mirror.ranges == [None, f"bytes={partial_bytes}-"]
    assert PATH.read_bytes() == CONTENT


def test_the_partial_file_stays_until_the_hash_is_verified(serve: Serve) -> None:
    write_partial_file(b"")
    output = Path("data/output")
    output.touch()
    transfer.Transfer(RemoteFile(NAME, (), HASH), Path("data"), ignore_progress)(
        serve(send_file).url, str(output), None
    )
    assert output.samefile(PART)
