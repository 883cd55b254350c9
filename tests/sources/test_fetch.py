"""Files from servers that do as they should, and from such as do not."""

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
PATH, PART = Path("data", NAME), Path("data", f".{NAME}.part")
CONTENT = b"PK" + np.random.default_rng(0).bytes(400_000)
HASH = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
PAGE = b"\xef\xbb\xbf\n<!DOCTYPE html><title>\n Google&nbsp;Drive -\x1b Quota exceeded </title>"
NOWHERE = "http://127.0.0.1:9/file.npz"  # the port of a service that throws away what it gets, and that nobody runs


class Mirror(ThreadingHTTPServer):
    """A server on this machine that does one act a request, and the last of them ever after."""

    def __init__(self, *acts: "Act") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.acts = list(acts)
        self.ranges: list[str | None] = []  # that it was asked for
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
        """The byte that was asked for."""
        return int(re.sub(r"\D", "", self.headers["Range"] or "0"))

    def head(self, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


Act = Callable[[Handler], None]
Served = Callable[..., Mirror]


def good(handler: Handler, end: int | None = None, content: bytes = CONTENT) -> None:
    """The file, or the rest of it, cut off at one of its bytes."""
    start, whole = handler.start, len(content)
    if start >= whole:
        return handler.head(416, Content_Range=f"bytes */{whole}")
    if start:
        handler.head(206, Content_Length=whole - start, Content_Range=f"bytes {start}-{whole - 1}/{whole}")
    else:
        handler.head(Content_Length=whole)
    handler.wfile.write(content[start:end])
    return None


def cut(end: int) -> Act:
    return partial(good, end=end)


def instead(content: bytes, status: int = 200, **headers: object) -> Act:
    """Some bytes, whatever is asked for."""

    def act(handler: Handler) -> None:
        handler.head(status, **{"Content_Length": len(content), **headers})
        handler.wfile.write(content)

    return act


def unannounced(handler: Handler) -> None:
    handler.head()
    handler.wfile.write(CONTENT)


def endless(handler: Handler) -> None:
    handler.head()
    while not handler.server.ended.is_set():
        handler.wfile.write(CONTENT)


def dripping(handler: Handler) -> None:
    handler.head(Content_Length=len(CONTENT))
    for byte in CONTENT:
        handler.wfile.write(bytes([byte]))
        if handler.server.ended.wait(0.02):
            break


def dripping_head(handler: Handler) -> None:
    """An answer that never comes to its content."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not handler.server.ended.wait(0.02):
        handler.wfile.write(b"a")


def stalling(handler: Handler) -> None:
    """Half of it, and then nothing."""
    good(handler, end=len(CONTENT) // 2)
    handler.server.ended.wait()


def silence(handler: Handler) -> None:
    handler.server.ended.wait()


def moved(to: str) -> Act:
    return lambda handler: handler.head(302, Location=to, Content_Length=0)


def compressing(handler: Handler) -> None:
    """Packed for who takes it so."""
    if "gzip" in handler.headers["Accept-Encoding"]:
        instead(gzip.compress(CONTENT), Content_Encoding="gzip")(handler)
    else:
        good(handler)


@pytest.fixture
def served() -> Iterator[Served]:
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
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "FIRST_PAUSES", (0,))
    monkeypatch.setattr(transfer, "PAUSES", (0, 0))


def get(*mirrors: Mirror | str, firm: bool = True, size: int | None = None, known: str = HASH) -> list[str]:
    """Fetch from some mirrors; what was told."""
    urls = tuple(mirror if isinstance(mirror, str) else mirror.url for mirror in mirrors)
    told: list[str] = []
    assert fetch(RemoteFile(NAME, urls, known, size, firm), Path("data"), ignore_progress, told.append) == PATH
    return told


def refused(*mirrors: Mirror | str, firm: bool = True, size: int | None = None) -> str:
    """Fetch in vain; what the error says."""
    with pytest.raises(BvaeError) as caught:
        get(*mirrors, firm=firm, size=size)
    assert not PATH.exists()
    return caught.value.message


def keep(part: bytes) -> None:
    """Have it in the part, as if a process had been killed."""
    Path("data").mkdir()
    PART.write_bytes(part)


def names() -> list[str]:
    return sorted(path.name for path in Path("data").iterdir())


def test_a_file_is_fetched_and_nothing_else_left(served: Served) -> None:
    assert get(served(good)) == []
    assert PATH.read_bytes() == CONTENT
    assert names() == [NAME]


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_file_that_is_there_is_taken_without_a_network(kind: str) -> None:
    Path("data").mkdir()
    PATH.write_bytes(CONTENT)
    assert get(NOWHERE, known=f"{kind}:{hashlib.new(kind, CONTENT).hexdigest()}") == []


def test_another_file_of_that_name_is_replaced(served: Served) -> None:
    Path("data").mkdir()
    PATH.write_bytes(CONTENT[:-1])
    get(served(good))
    assert PATH.read_bytes() == CONTENT


def test_a_transfer_that_breaks_is_gone_on_with(served: Served) -> None:
    mirror = served(cut(100_000), cut(250_000), good)
    get(mirror)
    assert PATH.read_bytes() == CONTENT
    assert mirror.ranges == [None, "bytes=100000-", "bytes=250000-"]


def test_a_mirror_that_brings_no_more_is_left_for_one_that_does(served: Served) -> None:
    tired, fresh = served(cut(100_000)), served(good)
    get(tired, fresh)
    assert PATH.read_bytes() == CONTENT
    assert tired.ranges == [None, *["bytes=100000-"] * 2]
    assert fresh.ranges == ["bytes=100000-"]


def test_what_has_come_stays_for_the_next_time(served: Served) -> None:
    assert refused(served(cut(100_000))).endswith("broke off")
    assert names() == [PART.name]
    mirror = served(good)
    get(mirror)
    assert mirror.ranges == ["bytes=100000-"]
    assert names() == [NAME]


def test_bytes_are_reported_those_that_were_there_too(served: Served) -> None:
    seen: list[tuple[str, int, int, str]] = []

    def report(what: str, done: int, total: int, unit: str = "") -> None:
        seen.append((what, done, total, unit))

    keep(CONTENT[:100_000])
    fetch(RemoteFile(NAME, (served(cut(200_000), good).url,), HASH), Path("data"), report, print)
    assert {(what, total, unit) for what, _, total, unit in seen} == {(f"fetching {NAME}", len(CONTENT), "bytes")}
    done = [done for _, done, _, _ in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (100_000, len(CONTENT))
    assert done.count(len(CONTENT)) == 1


def test_where_no_length_is_announced_the_end_is_reported(served: Served) -> None:
    seen: list[tuple[int, int]] = []
    remote = RemoteFile(NAME, (served(unannounced).url,), HASH)
    fetch(remote, Path("data"), lambda what, done, total, unit="": seen.append((done, total)), print)
    assert seen[0] == (0, 0)
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert {total for _, total in seen[:-1]} == {0}


@pytest.mark.parametrize(
    "act",
    [
        instead(CONTENT),
        instead(b"", 416),
        instead(CONTENT[5:], 206, Content_Range=f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"),
        instead(CONTENT[5:], 206),
    ],
    ids=["no ranges", "no such range", "another range", "an unnamed range"],
)
def test_a_server_that_does_not_go_on_is_asked_from_the_start(served: Served, act: Act) -> None:
    keep(CONTENT[:100_000])
    mirror = served(act, good)
    get(mirror)
    assert PATH.read_bytes() == CONTENT
    assert mirror.ranges[1:] in ([], [None])


def test_a_range_that_was_not_asked_for_is_refused(served: Served) -> None:
    assert "not asked for" in refused(served(instead(CONTENT[5:], 206, Content_Range="bytes 5-9/10")))


def test_a_part_that_is_whole_is_not_fetched_again(served: Served) -> None:
    keep(CONTENT)
    get(NOWHERE, size=len(CONTENT))
    assert names() == [NAME]
    PATH.rename(PART)
    mirror = served(good)
    get(mirror)
    assert PATH.read_bytes() == CONTENT
    assert mirror.ranges == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("firm", [True, False])
@pytest.mark.parametrize("count", [100_000, len(CONTENT)])
def test_a_part_of_another_file_costs_a_transfer_from_the_start(served: Served, firm: bool, count: int) -> None:
    keep(bytes(count))
    mirror = served(good)
    assert get(mirror, firm=firm, size=len(CONTENT)) == []
    assert PATH.read_bytes() == CONTENT
    assert mirror.ranges[-1] is None


def test_a_wrong_file_is_removed_and_the_next_mirror_asked_from_the_start(served: Served) -> None:
    wrong, right = served(instead(CONTENT[:-1])), served(good)
    get(wrong, right)
    assert PATH.read_bytes() == CONTENT
    assert (wrong.ranges, right.ranges) == ([None], [None])


def test_a_wrong_file_is_told_and_leaves_nothing(served: Served) -> None:
    assert "is not the file it should be" in refused(served(instead(CONTENT[:-1])))
    assert names() == []


def test_where_the_hash_is_not_firm_another_file_is_told_and_taken(served: Served) -> None:
    for mirror in (served(instead(CONTENT[:-1])), NOWHERE):
        (told,) = get(mirror, firm=False)
        assert HASH in told
        assert PATH.read_bytes() == CONTENT[:-1]
    assert names() == [NAME]


@pytest.mark.parametrize("firm", [True, False])
@pytest.mark.parametrize(
    ("act", "title"),
    [
        (instead(PAGE), ', "Google Drive - Quota exceeded",'),
        (instead(b"<HTML>quota", Content_Type="application/octet-stream"), ""),
        (instead(b"sorry" + bytes(70_000), Content_Type="text/html; charset=utf-8"), ""),
    ],
    ids=["doctype", "html", "content type"],
)
def test_a_page_is_no_file_and_does_not_touch_the_part(served: Served, firm: bool, act: Act, title: str) -> None:
    keep(CONTENT[:100_000])
    assert refused(served(act), firm=firm).endswith(f"answers with a page{title} in place of the file")
    assert PART.read_bytes() == CONTENT[:100_000]


def test_a_page_that_is_asked_for_is_fetched(served: Served) -> None:
    url = served(instead(PAGE, Content_Type="text/html")).url
    remote = RemoteFile("page.html", (url,), f"md5:{hashlib.md5(PAGE).hexdigest()}")
    assert fetch(remote, Path("data"), ignore_progress, print).read_bytes() == PAGE


@pytest.mark.parametrize(("status", "times"), [(403, 1), (404, 1), (429, 2), (503, 2)])
def test_a_status_is_said_and_one_that_may_pass_asked_for_once_more(served: Served, status: int, times: int) -> None:
    mirror = served(instead(PAGE, status))
    assert refused(mirror) == f"{mirror.url} answers {status}"
    assert len(mirror.ranges) == times


def test_each_mirror_that_fails_is_told_in_one_error(served: Served) -> None:
    gone, wrong = served(instead(b"gone", 404)), served(instead(b"PK wrong"))
    with pytest.raises(BvaeError) as caught:
        get(NOWHERE, gone, wrong)
    said = caught.value.message.splitlines()
    assert said == [
        f"no mirror gives {NAME}:",
        f"  {NOWHERE} cannot be reached",
        f"  {gone.url} answers 404",
        f"  {wrong.url} is not the file it should be: its hash differs",
    ]
    assert caught.value.hint == "try again later, or fetch it by other means and give the file with --from."


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (silence, "says nothing for"),
        (stalling, "broke off: nothing came for"),
        (dripping, "less than 1,000 bytes"),
        (dripping_head, "has not answered in 0.5 seconds"),
    ],
)
def test_a_server_that_keeps_one_waiting_is_left(
    served: Served, monkeypatch: pytest.MonkeyPatch, act: Act, said: str
) -> None:
    monkeypatch.setattr(response, "TIMEOUT", 0.2)
    monkeypatch.setattr(response, "WINDOW", 0.2)
    monkeypatch.setattr(response, "PATIENCE", 0.5)
    assert said in refused(served(act))
    get(served(act), served(good))
    assert PATH.read_bytes() == CONTENT


def test_redirects_are_followed_but_not_for_ever(served: Served) -> None:
    get(served(moved(served(good).url)))
    assert PATH.read_bytes() == CONTENT
    PATH.unlink()
    circle = served(moved("/again"))
    assert "redirects" in refused(circle)
    assert len(circle.ranges) <= response.REDIRECTS + 1


def test_more_than_the_file_can_have_is_refused(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "sends more" in refused(served(endless), size=len(CONTENT))
    assert "announces 1,000,000 bytes" in refused(served(instead(bytes(1_000_000))), size=len(CONTENT))
    monkeypatch.setattr(transfer, "ENOUGH", 1_000_000)
    assert "sends more" in refused(served(endless))
    assert names() == []


def test_more_than_is_announced_is_refused_or_left_unread(served: Served) -> None:
    keep(CONTENT[:100_000])
    more = {"Content_Length": len(CONTENT), "Content_Range": f"bytes 100000-199999/{200_000}"}
    assert "sends more" in refused(served(instead(CONTENT, 206, **more)))
    get(served(instead(CONTENT + bytes(1000), Content_Length=len(CONTENT))))
    assert PATH.read_bytes() == CONTENT


@pytest.mark.parametrize("act", [compressing, instead(CONTENT, Content_Encoding="gzip")], ids=["offered", "only said"])
def test_encodings_change_no_byte(served: Served, act: Act) -> None:
    get(served(act), size=len(CONTENT))
    assert PATH.read_bytes() == CONTENT


def test_a_full_disk_is_said_and_the_part_stays(served: Served) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    mirror = served(good)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        assert "cannot write" in refused(mirror)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert names() == [PART.name]
    get(mirror)
    assert mirror.ranges == [None, "bytes=100000-"]
    assert PATH.read_bytes() == CONTENT


def test_a_folder_that_cannot_be_written_is_said() -> None:
    with pytest.raises(BvaeError, match="cannot write /proc/data"):
        fetch(RemoteFile(NAME, (NOWHERE,), HASH), Path("/proc/data"), ignore_progress, print)


def test_a_process_killed_in_mid_transfer_is_gone_on_from(served: Served) -> None:
    mirror = served(stalling, good)
    remote = RemoteFile(NAME, (mirror.url,), HASH)
    code = (
        "from pathlib import Path; from bvae_cli.sources.fetch import fetch, RemoteFile\n"
        f"fetch({remote}, Path('data'), lambda *_: None, print)"
    )
    with subprocess.Popen([sys.executable, "-c", code]) as running:
        late = time.monotonic() + 30
        while not (PART.exists() and PART.stat().st_size >= len(CONTENT) // 2 - 2**14):
            assert time.monotonic() < late
            time.sleep(0.05)
        running.send_signal(signal.SIGKILL)
    kept = PART.stat().st_size
    assert names() == [PART.name]
    get(mirror)
    assert mirror.ranges == [None, f"bytes={kept}-"]
    assert PATH.read_bytes() == CONTENT


def test_the_part_stays_until_the_hash_is_known(served: Served) -> None:
    keep(b"")
    output = Path("data/output")
    output.touch()
    transfer.Transfer(RemoteFile(NAME, (), HASH), Path("data"), ignore_progress)(served(good).url, str(output), None)
    assert output.samefile(PART)
