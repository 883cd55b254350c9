"""Opening of files that anyone may have written."""

import os
import socket
from pathlib import Path

import pytest

from bvae_cli.system.errors import BvaeError
from bvae_cli.system.opening import open_regular, read_bytes, read_text


def test_a_regular_file_and_a_link_to_one_are_read() -> None:
    Path("file").write_bytes(b"content")
    Path("link").symlink_to("file")
    assert read_bytes(Path("file"), 7) == read_bytes(Path("link"), 7) == b"content"


@pytest.mark.parametrize("name", ["pipe", "link", "/dev/zero", "/dev/stdin"])
def test_a_pipe_or_a_device_is_an_error_at_once(name: str) -> None:
    os.mkfifo("pipe")
    Path("link").symlink_to("pipe")
    with pytest.raises(BvaeError, match="is a pipe or a device"):
        open_regular(Path(name), 10)


def test_a_socket_and_a_folder_are_errors_of_the_system() -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        for name in ("socket", "."):
            with pytest.raises(OSError):
                open_regular(Path(name), 10)


def test_a_file_that_is_too_large_is_an_error() -> None:
    Path("file").write_bytes(b"content")
    with pytest.raises(BvaeError, match="it has 7 bytes, more than the maximum, 6"):
        read_bytes(Path("file"), 6)


def test_text_that_is_not_utf_8_is_an_error_with_the_hint() -> None:
    Path("file").write_bytes(b"\xff")
    with pytest.raises(BvaeError, match="cannot read file: 'utf-8' codec can't decode") as caught:
        read_text(Path("file"), 10, "save it as UTF-8.")
    assert caught.value.hint == "save it as UTF-8."
