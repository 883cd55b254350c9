"""Files that are there whole or not at all."""

from pathlib import Path

import pytest

from bvae_cli.system.errors import BvaeError
from bvae_cli.system.files import replacing, require_folder, write_bytes, write_text


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def test_a_file_is_written_with_the_folders_above_it() -> None:
    write_text(Path("a/b/c.txt"), "β")
    assert Path("a/b/c.txt").read_text(encoding="utf-8") == "β"


def test_what_was_there_stays_until_the_new_is_whole() -> None:
    write_bytes(Path("file"), b"old")
    with pytest.raises(ZeroDivisionError), replacing(Path("file")) as temporary:
        temporary.write_bytes(b"ne")
        assert Path("file").read_bytes() == b"old"
        raise ZeroDivisionError
    assert Path("file").read_bytes() == b"old"
    assert names() == ["file"]


def test_a_folder_in_the_way_is_named() -> None:
    Path("file").mkdir()
    with pytest.raises(BvaeError, match="cannot write file"):
        write_bytes(Path("file"), b"new")
    assert names() == ["file"]


def test_a_file_in_place_of_a_folder_is_named() -> None:
    Path("folder").write_text("a file")
    with pytest.raises(BvaeError, match="cannot write folder"):
        write_bytes(Path("folder/file"), b"new")
    with pytest.raises(BvaeError, match="cannot write folder"):
        require_folder(Path("folder"))


def test_a_folder_is_made_and_left_empty() -> None:
    require_folder(Path("a/b"))
    assert list(Path("a/b").iterdir()) == []
