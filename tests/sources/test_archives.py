"""Files of archives and folders: valid, corrupt and malicious ones."""

import bz2
import gzip
import io
import lzma
import os
import random
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from bvae_cli.sources import archives
from bvae_cli.sources.archives import Member, open_archive
from bvae_cli.system.errors import BvaeError

Files = dict[str, bytes]
Writer = Callable[[Path, Files], Path]
RNG = random.Random(0)
FILES = {"b/two.png": RNG.randbytes(700), "a.png": b"", "b/one.png": b"1" * 1500}
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}


def write_zip(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def make_tar(infos: Iterable[tuple[tarfile.TarInfo, bytes]], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tar_format) as archive:
        for info, content in infos:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def tar_info(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, target
    return info


def tar_of(files: Files) -> bytes:
    return make_tar((tar_info(name, len(content)), content) for name, content in files.items())


def write_bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def write_tar(path: Path, files: Files) -> Path:
    return write_bytes(path, tar_of(files))


def write_tar_gz(path: Path, files: Files) -> Path:
    return write_bytes(path, gzip.compress(tar_of(files)))


def write_folder(path: Path, files: Files) -> Path:
    path.mkdir()
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def read_all(path: Path) -> Files:
    with open_archive(path, bool) as archive:
        return {member.name: archive.read(member) for member in archive.members}


def read_all_or_none(path: Path, content: bytes) -> Files | None:
    """Return the files in an archive of this content, or None for a BvaeError; any other error fails the test."""
    path.write_bytes(content)
    try:
        return read_all(path)
    except BvaeError as error:
        assert str(path) in error.message
        return None


archive_formats = pytest.mark.parametrize("write", [write_zip, write_tar, write_tar_gz])
all_formats = pytest.mark.parametrize("write", [write_zip, write_tar, write_tar_gz, write_folder])


def test_a_zip_is_read(tmp_path: Path) -> None:
    assert list(read_all(write_zip(tmp_path / "x", FILES)).items()) == list(FILES.items())


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_tar_is_recognised_whatever_its_suffix(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "x.zip").write_bytes(COMPRESS[suffix](tar_of(FILES)))
    assert list(read_all(tmp_path / "x.zip").items()) == list(FILES.items())


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_unicode_names_are_read_in_every_tar_format(tmp_path: Path, tar_format: int) -> None:
    name = "/".join(["é" * 40] * 2) + "/x.png"
    (tmp_path / "x").write_bytes(make_tar([(tar_info(name, 1), b"x")], tar_format))
    assert read_all(tmp_path / "x") == {name: b"x"}


def test_a_folder_is_read_sorted_by_name(tmp_path: Path) -> None:
    assert list(read_all(write_folder(tmp_path / "x", FILES)).items()) == sorted(FILES.items())


@all_formats
def test_members_are_read_in_any_order_and_twice(tmp_path: Path, write: Writer) -> None:
    with open_archive(write(tmp_path / "x", FILES), bool) as archive:
        assert [archive.read(member) for member in reversed(archive.members * 2)] == [
            FILES[member.name] for member in reversed(archive.members * 2)
        ]


@all_formats
def test_files_of_operating_systems_are_ignored(tmp_path: Path, write: Writer) -> None:
    system_files = ["__MACOSX/a.png", "b/__MACOSX/._a.png", ".DS_Store", "b/Thumbs.db", "._a.png"]
    assert read_all(write(tmp_path / "x", {**dict.fromkeys(system_files, b"?"), **FILES})) == FILES


def test_hidden_files_of_a_folder_are_ignored(tmp_path: Path) -> None:
    hidden = {".git/config": b"?", "b/.lock": b"?"}
    assert read_all(write_folder(tmp_path / "x", {**hidden, **FILES})) == FILES


def test_folders_in_archives_are_ignored(tmp_path: Path) -> None:
    assert read_all(write_zip(tmp_path / "zip", {"b/": b"", "c\\": b"", **FILES})) == FILES
    (tmp_path / "tar").write_bytes(make_tar([(tar_info("b", kind=tarfile.DIRTYPE), b""), (tar_info("b/a"), b"")]))
    assert read_all(tmp_path / "tar") == {"b/a": b""}


@archive_formats
def test_names_have_forward_slashes_and_no_empty_parts(tmp_path: Path, write: Writer) -> None:
    assert read_all(write(tmp_path / "x", {"./b//./a.png": b"1", "c\\d.png": b"2"})) == {
        "b/a.png": b"1",
        "c/d.png": b"2",
    }


@archive_formats
@pytest.mark.parametrize("name", ["/etc/x", "C:\\x", "c:/x", "./C:x", "\\\\server\\x", "\\x"])
def test_absolute_names_are_an_error(tmp_path: Path, write: Writer, name: str) -> None:
    with pytest.raises(BvaeError, match=r"invalid archive .*x: member .* has an absolute name"):
        read_all(write(tmp_path / "x", {**FILES, name: b"!"}))


@archive_formats
@pytest.mark.parametrize("name", ["../x", "a/../../x", "a\\..\\x", "a/..", "__MACOSX/../x"])
def test_names_outside_the_archive_are_an_error(tmp_path: Path, write: Writer, name: str) -> None:
    with pytest.raises(BvaeError, match="points outside the archive"):
        read_all(write(tmp_path / "x", {**FILES, name: b"!"}))


@archive_formats
@pytest.mark.parametrize("duplicate", ["./b/two.png", "b\\two.png", "b//two.png"])
def test_duplicate_names_are_an_error(tmp_path: Path, write: Writer, duplicate: str) -> None:
    with pytest.raises(BvaeError, match=r"two\.png' has a duplicate name"):
        read_all(write(tmp_path / "x", {**FILES, duplicate: b"!"}))


def test_a_nul_in_a_name_is_an_error(tmp_path: Path) -> None:
    original = write_zip(tmp_path / "zip", {"a?b": b""}).read_bytes().replace(b"a?b", b"a\0b")
    info = tar_info("a")
    info.pax_headers = {"path": "a\0b"}
    for path in (write_bytes(tmp_path / "zip", original), write_bytes(tmp_path / "tar", make_tar([(info, b"")]))):
        with pytest.raises(BvaeError, match=r"'a\\x00b' has an invalid name"):
            read_all(path)


def test_an_undecodable_name_is_read(tmp_path: Path) -> None:
    latin = with_checksum(tar_of({"a?b": b"content"}).replace(b"a?b", b"a\xe9b"))
    assert list(read_all(write_bytes(tmp_path / "latin", latin))) == ["a\udce9b"]


def test_an_empty_name_is_an_error_that_can_be_printed(tmp_path: Path) -> None:
    with pytest.raises(BvaeError, match=r"member '.*' has an invalid name") as error:
        read_all(write_tar(tmp_path / "nameless", {".": b""}))
    assert error.value.message.encode()


def with_checksum(tar: bytes) -> bytes:
    """Return a tar whose first header was changed, with the checksum corrected."""
    total = sum(tar[:148]) + 8 * 32 + sum(tar[156:512])
    return tar[:148] + b"%06o\0 " % total + tar[156:]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_in_a_tar_are_an_error(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "x").write_bytes(make_tar([(tar_info("a"), b""), (tar_info("lnk", kind=kind, target="a"), b"")]))
    with pytest.raises(BvaeError, match="'lnk' is a link"):
        read_all(tmp_path / "x")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"V", b"?"])
def test_devices_and_pipes_in_a_tar_are_an_error(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "x").write_bytes(make_tar([(tar_info("odd", kind=kind), b"")]))
    with pytest.raises(BvaeError, match="'odd' is a device"):
        read_all(tmp_path / "x")


def test_a_sparse_file_is_an_error(tmp_path: Path) -> None:
    info = tar_info("gaps", 512)
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**40)}
    (tmp_path / "x").write_bytes(make_tar([(info, b"1\n0\n0\n".ljust(512, b"\0"))]))
    with pytest.raises(BvaeError, match="'gaps' is a sparse file"):
        read_all(tmp_path / "x")


@pytest.mark.parametrize(("kind", "fault"), [(stat.S_IFLNK, "link"), (stat.S_IFIFO, "pipe"), (stat.S_IFBLK, "device")])
def test_links_pipes_and_devices_in_a_zip_are_an_error(tmp_path: Path, kind: int, fault: str) -> None:
    info = zipfile.ZipInfo("odd")
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr(info, b"/etc/passwd")
    with pytest.raises(BvaeError, match=f"'odd' is a .*{fault}"):
        read_all(tmp_path / "x")


def test_a_link_to_a_file_in_a_folder_is_read(tmp_path: Path) -> None:
    target = write_bytes(tmp_path / "elsewhere", b"pixels")
    (write_folder(tmp_path / "x", FILES) / "lnk").symlink_to(target)
    assert read_all(tmp_path / "x") == FILES | {"lnk": b"pixels"}


@pytest.mark.parametrize("target", ["nowhere", "lnk"])
def test_a_link_without_a_target_is_a_file_that_cannot_be_read(tmp_path: Path, target: str) -> None:
    (write_folder(tmp_path / "x", FILES) / "lnk").symlink_to(target)
    with open_archive(tmp_path / "x", bool) as archive:
        assert {member.name for member in archive.members} == FILES.keys() | {"lnk"}
        with pytest.raises(BvaeError, match="'lnk' cannot be read"):
            archive.read(next(member for member in archive.members if member.name == "lnk"))


@pytest.mark.parametrize(("target", "fault"), [("b", "is a link to a folder"), ("/dev/zero", "is a device or a pipe")])
def test_a_link_to_a_folder_or_a_device_is_an_error(tmp_path: Path, target: str, fault: str) -> None:
    (write_folder(tmp_path / "x", FILES) / "lnk").symlink_to(target)
    with pytest.raises(BvaeError, match=f"'lnk' {fault}"):
        read_all(tmp_path / "x")


def test_a_link_to_a_folder_or_an_archive_is_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").symlink_to(write_folder(tmp_path / "x", FILES))
    (tmp_path / "file").symlink_to(write_zip(tmp_path / "y", FILES))
    assert read_all(tmp_path / "folder") == read_all(tmp_path / "file") == FILES


def test_a_pipe_is_an_error_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(write_folder(tmp_path / "x", FILES) / "pipe")
    with pytest.raises(BvaeError, match="'pipe' is a device or a pipe"):
        read_all(tmp_path / "x")
    with pytest.raises(BvaeError, match="it is a pipe or a device"):
        read_all(tmp_path / "x" / "pipe")


def test_a_file_that_disappears_or_changes_is_an_error(tmp_path: Path) -> None:
    with open_archive(write_folder(tmp_path / "x", FILES), bool) as archive:
        (tmp_path / "x" / "a.png").write_bytes(b"now something")
        with pytest.raises(BvaeError, match=r"'a\.png' does not contain the declared 0 bytes"):
            archive.read(archive.members[0])
        (tmp_path / "x" / "b" / "one.png").unlink()
        with pytest.raises(BvaeError, match=r"'b/one\.png' cannot be read: No such file"):
            archive.read(archive.members[1])


def with_directory(path: Path, offset: int, tar_format: str, *values: int) -> Path:
    """Return a zip in whose directory one field of each member, in order, is replaced."""
    content, start = bytearray(path.read_bytes()), -1
    for value in values:
        start = content.index(b"PK\1\2", start + 1)
        struct.pack_into(tar_format, content, start + offset, value)
    path.write_bytes(content)
    return path


def test_encrypted_members_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(BvaeError, match=r"'b/two\.png' is encrypted"):
        read_all(with_directory(write_zip(tmp_path / "x", FILES), 8, "<H", 1))


@pytest.mark.parametrize("method", [1, 9, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 99])
def test_unsupported_compression_methods_are_an_error(tmp_path: Path, method: int) -> None:
    with pytest.raises(BvaeError, match="has an unsupported compression method"):
        read_all(with_directory(write_zip(tmp_path / "x", FILES), 10, "<H", method))


@pytest.mark.parametrize("place", [1, 20])
def test_overlapping_members_are_an_error(tmp_path: Path, place: int) -> None:
    with pytest.raises(BvaeError, match="overlaps the next member"):
        read_all(with_directory(write_zip(tmp_path / "x", FILES), 42, "<L", 0, place))


def test_a_member_that_extends_into_the_next_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BvaeError, match=r"'b/two\.png' overlaps the next member"):
        read_all(with_directory(write_zip(tmp_path / "x", FILES), 20, "<L", 760))


def test_a_member_that_is_too_large_is_an_error(tmp_path: Path) -> None:
    size = archives.MAX_MEMBER_BYTES + 1
    with_directory(write_zip(tmp_path / "zip", FILES), 24, "<L", size)
    (tmp_path / "tar").write_bytes(gzip.compress(tar_info("b/two.png", size).tobuf()))
    with write_folder(tmp_path / "folder", {"b/two.png": b""}).joinpath("b/two.png").open("wb") as file:
        file.truncate(size)
    for name in ("zip", "tar", "folder"):
        with pytest.raises(BvaeError, match=rf"'b/two\.png' has a declared size of {size} bytes"):
            read_all(tmp_path / name)


@pytest.mark.parametrize("size", ["-512", "-1"])
def test_a_negative_size_is_an_error(tmp_path: Path, size: str) -> None:
    info = tar_info("back")
    info.pax_headers = {"size": size}
    (tmp_path / "x").write_bytes(make_tar([(info, b"")]))
    with pytest.raises(BvaeError, match="'back' has a declared size of -"):
        read_all(tmp_path / "x")


def test_a_total_size_that_is_too_large_is_an_error(tmp_path: Path) -> None:
    files = {str(number): b"" for number in range(5)}
    path = with_directory(write_zip(tmp_path / "x", files), 24, "<L", *[archives.MAX_MEMBER_BYTES] * 5)
    with pytest.raises(BvaeError, match="'4' makes the uncompressed size far larger than the archive"):
        read_all(path)


def test_listing_a_decompression_bomb_stops_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 0)
    bomb = gzip.compress(tar_of({str(number): bytes(100_000) for number in range(40)}))
    (tmp_path / "x").write_bytes(bomb[: len(bomb) * 9 // 10])  # reading to the end would be another error
    with pytest.raises(BvaeError, match="makes the uncompressed size far larger than the archive"):
        read_all(tmp_path / "x")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_huge_headers_are_an_error(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "x").write_bytes(gzip.compress(tar_info("x", 2**33 - 512, kind).tobuf() + bytes(2**21)))
    with pytest.raises(BvaeError, match="its headers are too large"):
        read_all(tmp_path / "x")


def test_endless_headers_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 0)
    (tmp_path / "x").write_bytes(gzip.compress(tar_info("x", kind=tarfile.DIRTYPE).tobuf() * 10_000))
    with pytest.raises(BvaeError, match="its headers are too large"):
        read_all(tmp_path / "x")


def test_endless_zeros_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 0)
    (tmp_path / "x").write_bytes(gzip.compress(tar_of({"x": b""}) + bytes(10_000_000)))
    with pytest.raises(BvaeError, match="contains data after its end"):
        read_all(tmp_path / "x")


@pytest.mark.parametrize("declared", [0, 699, 701])
def test_a_member_with_a_wrong_declared_size_is_an_error(tmp_path: Path, declared: int) -> None:
    with pytest.raises(BvaeError, match=r"member 'b/two\.png' (cannot be read|does not contain the declared)"):
        read_all(with_directory(write_zip(tmp_path / "x", FILES), 24, "<L", declared))


@pytest.mark.parametrize("checked", [100, 101, 10**6])
def test_a_member_longer_than_declared_is_an_error_whatever_its_checksum(tmp_path: Path, checked: int) -> None:
    path = write_zip(tmp_path / "x", {"x": bytes(10**6)})
    with_directory(path, 16, "<L", zlib.crc32(bytes(checked)))
    with pytest.raises(BvaeError, match=r"'x' (cannot be read: Bad CRC|does not contain the declared 100 bytes)"):
        read_all(with_directory(path, 24, "<L", 100))


def test_a_wrong_checksum_affects_only_its_member(tmp_path: Path) -> None:
    with open_archive(with_directory(write_zip(tmp_path / "x", FILES), 16, "<L", 0), bool) as archive:
        with pytest.raises(BvaeError, match=r"'b/two\.png' cannot be read: Bad CRC-32"):
            archive.read(archive.members[0])
        assert archive.read(archive.members[2]) == FILES["b/one.png"]


def test_a_missing_path_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BvaeError, match="file or folder not found"):
        read_all(tmp_path / "x")


@all_formats
def test_files_of_the_operating_system_are_left_out(tmp_path: Path, write: Writer) -> None:
    files = {".DS_Store": b"?", "a.png": b"pixels", "__MACOSX/._a.png": b"?"}
    assert read_all(write(tmp_path / "x", files)) == {"a.png": b"pixels"}


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4", b"<html>" * 200, b"\x1f\x8b", b"BZh9", bytes(10240)])
def test_invalid_files_are_an_error(tmp_path: Path, content: bytes) -> None:
    assert read_all_or_none(tmp_path / "x", content) is None


def test_a_compressed_file_that_is_not_a_tar_is_an_error(tmp_path: Path) -> None:
    for pack in COMPRESS.values():
        assert read_all_or_none(tmp_path / "x", pack(b"an image." * 200)) is None


def test_a_truncated_zip_is_an_error(tmp_path: Path) -> None:
    original = write_zip(tmp_path / "x", FILES).read_bytes()
    assert not any(read_all_or_none(tmp_path / "x", original[:length]) for length in range(len(original)))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_a_truncated_compressed_tar_is_an_error(tmp_path: Path, suffix: str) -> None:
    original = COMPRESS[suffix](tar_of(FILES))
    assert not any(read_all_or_none(tmp_path / "x", original[:length]) for length in range(0, len(original), 3))
    assert read_all_or_none(tmp_path / "x", original[:-1]) is None


def test_a_tar_without_its_closing_zeros_is_an_error(tmp_path: Path) -> None:
    original = tar_of(FILES)
    end = len(original.rstrip(b"\0")) // 512 * 512 + 512
    for length in [*range(0, end, 64), end - 1, end, end + 1, end + 511]:
        assert read_all_or_none(tmp_path / "x", original[:length]) is None
    assert read_all_or_none(tmp_path / "x", original[: end + 512]) == FILES


def test_a_corrupt_header_does_not_end_a_tar(tmp_path: Path) -> None:
    original = bytearray(tar_of(FILES))
    original[original.index(b"b/one.png")] ^= 1
    with pytest.raises(BvaeError, match="it is corrupt or truncated"):
        (tmp_path / "x").write_bytes(original)
        read_all(tmp_path / "x")


def test_a_tar_appended_to_a_tar_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(tar_of(FILES) + tar_of({"more": b""}))
    with pytest.raises(BvaeError, match="contains data after its end"):
        read_all(tmp_path / "x")


def test_the_checksum_of_a_gzip_is_verified(tmp_path: Path) -> None:
    original = bytearray(gzip.compress(tar_of(FILES)))
    original[-8] ^= 1
    (tmp_path / "x").write_bytes(original)
    with pytest.raises(BvaeError, match="CRC check failed"):
        read_all(tmp_path / "x")


def test_an_inner_zip_is_not_mistaken_for_the_archive(tmp_path: Path) -> None:
    inner = write_zip(tmp_path / "inner", FILES).read_bytes()
    assert read_all(write_tar(tmp_path / "x.tar", {"inner.zip": inner})) == {"inner.zip": inner}
    with zipfile.ZipFile(tmp_path / "outer", "w") as archive:
        archive.writestr("inner.zip", inner)
    cut = (tmp_path / "outer").read_bytes()
    assert read_all_or_none(tmp_path / "outer", cut[: cut.rindex(b"PK\1\2")]) is None


def test_random_bit_flips_are_detected_or_harmless(tmp_path: Path) -> None:
    rng = random.Random(1)
    for write in (write_zip, write_tar, write_tar_gz):
        original = write(tmp_path / "x", FILES).read_bytes()
        for _ in range(200):
            content = bytearray(original)
            for _ in range(rng.choice([1, 1, 4, 32])):
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            read_all_or_none(tmp_path / "x", bytes(content))


def test_random_bytes_are_an_error(tmp_path: Path) -> None:
    rng = random.Random(2)
    for magic in (b"", b"PK\3\4", b"\x1f\x8b\x08\0", b"BZh9", b"\xfd7zXZ\0"):
        for _ in range(40):
            assert read_all_or_none(tmp_path / "x", magic + rng.randbytes(rng.randrange(2000))) is None


class CountingReader(io.BufferedReader):
    """A file that counts the bytes read from it."""

    total = 0

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(size)
        self.total += len(content)
        return content


def test_a_compressed_tar_is_decompressed_once_to_list_and_once_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {str(number): RNG.randbytes(RNG.choice([0, 10, 512, 9000])) for number in range(300)}
    content = gzip.compress(tar_of(files))
    reader = CountingReader(io.FileIO(write_bytes(tmp_path / "x", content)))
    monkeypatch.setitem(archives.DECOMPRESSORS, b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=reader))
    with reader:
        assert read_all(tmp_path / "x") == files
    assert len(content) < reader.total <= 2 * len(content)


def test_errors_of_the_caller_are_not_converted(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_archive(write_zip(tmp_path / "x", FILES), bool):
        raise ZeroDivisionError


def test_an_archive_lists_its_members(tmp_path: Path) -> None:
    with open_archive(write_zip(tmp_path / "x", FILES), bool) as archive:
        assert archive.members == [Member(name, len(content)) for name, content in FILES.items()]
