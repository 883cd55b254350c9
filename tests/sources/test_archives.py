"""Files of archives and folders, sound ones and those made to do harm."""

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
NOISE = random.Random(0)
FILES = {"b/two.png": NOISE.randbytes(700), "a.png": b"", "b/one.png": b"1" * 1500}
PACK: dict[str, Callable[[bytes], bytes]] = {
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


def tarred(infos: Iterable[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=form) as archive:
        for info, content in infos:
            archive.addfile(info, io.BytesIO(content))
    return whole.getvalue()


def tar_info(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, target
    return info


def tar_of(files: Files) -> bytes:
    return tarred((tar_info(name, len(content)), content) for name, content in files.items())


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


def take(path: Path) -> Files:
    with open_archive(path) as archive:
        return {member.name: archive.read(member) for member in archive.members}


def take_or_refuse(path: Path, content: bytes) -> Files | None:
    """What a file of this content holds, or None where it is refused; any error but ours ends the test."""
    path.write_bytes(content)
    try:
        return take(path)
    except BvaeError as error:
        assert str(path) in error.message
        return None


packed = pytest.mark.parametrize("write", [write_zip, write_tar, write_tar_gz])
anywhere = pytest.mark.parametrize("write", [write_zip, write_tar, write_tar_gz, write_folder])


def test_a_zip_is_read(tmp_path: Path) -> None:
    assert list(take(write_zip(tmp_path / "x", FILES)).items()) == list(FILES.items())


@pytest.mark.parametrize("suffix", PACK)
def test_a_tar_is_read_whatever_it_is_called(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "x.zip").write_bytes(PACK[suffix](tar_of(FILES)))
    assert list(take(tmp_path / "x.zip").items()) == list(FILES.items())


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_foreign_names_are_read_in_every_format_of_tar(tmp_path: Path, form: int) -> None:
    name = "/".join(["é" * 40] * 2) + "/x.png"
    (tmp_path / "x").write_bytes(tarred([(tar_info(name, 1), b"x")], form))
    assert take(tmp_path / "x") == {name: b"x"}


def test_a_folder_is_read_sorted_by_name(tmp_path: Path) -> None:
    assert list(take(write_folder(tmp_path / "x", FILES)).items()) == sorted(FILES.items())


@anywhere
def test_members_are_read_in_any_order_and_twice(tmp_path: Path, write: Writer) -> None:
    with open_archive(write(tmp_path / "x", FILES)) as archive:
        assert [archive.read(member) for member in reversed(archive.members * 2)] == [
            FILES[member.name] for member in reversed(archive.members * 2)
        ]


@anywhere
def test_what_systems_leave_behind_is_passed_over(tmp_path: Path, write: Writer) -> None:
    left = ["__MACOSX/a.png", "b/__MACOSX/._a.png", ".DS_Store", "b/Thumbs.db", "._a.png"]
    assert take(write(tmp_path / "x", {**dict.fromkeys(left, b"?"), **FILES})) == FILES


def test_hidden_files_of_a_folder_are_passed_over(tmp_path: Path) -> None:
    hidden = {".git/config": b"?", "b/.lock": b"?"}
    assert take(write_folder(tmp_path / "x", {**hidden, **FILES})) == FILES


def test_folders_in_archives_are_passed_over(tmp_path: Path) -> None:
    assert take(write_zip(tmp_path / "zip", {"b/": b"", "c\\": b"", **FILES})) == FILES
    (tmp_path / "tar").write_bytes(tarred([(tar_info("b", kind=tarfile.DIRTYPE), b""), (tar_info("b/a"), b"")]))
    assert take(tmp_path / "tar") == {"b/a": b""}


@packed
def test_names_are_told_with_forward_slashes_and_no_empty_parts(tmp_path: Path, write: Writer) -> None:
    assert take(write(tmp_path / "x", {"./b//./a.png": b"1", "c\\d.png": b"2"})) == {"b/a.png": b"1", "c/d.png": b"2"}


@packed
@pytest.mark.parametrize("name", ["/etc/x", "C:\\x", "c:/x", "./C:x", "\\\\server\\x", "\\x"])
def test_absolute_names_are_refused(tmp_path: Path, write: Writer, name: str) -> None:
    with pytest.raises(BvaeError, match=r"x cannot be used: .* has an absolute name"):
        take(write(tmp_path / "x", {**FILES, name: b"!"}))


@packed
@pytest.mark.parametrize("name", ["../x", "a/../../x", "a\\..\\x", "a/..", "__MACOSX/../x"])
def test_names_that_lead_out_are_refused(tmp_path: Path, write: Writer, name: str) -> None:
    with pytest.raises(BvaeError, match="leads out of it"):
        take(write(tmp_path / "x", {**FILES, name: b"!"}))


@packed
@pytest.mark.parametrize("twin", ["./b/two.png", "b\\two.png", "b//two.png"])
def test_two_files_of_one_name_are_refused(tmp_path: Path, write: Writer, twin: str) -> None:
    with pytest.raises(BvaeError, match=r"two\.png' in it is in it twice"):
        take(write(tmp_path / "x", {**FILES, twin: b"!"}))


def test_a_nul_in_a_name_is_refused(tmp_path: Path) -> None:
    whole = write_zip(tmp_path / "zip", {"a?b": b""}).read_bytes().replace(b"a?b", b"a\0b")
    info = tar_info("a")
    info.pax_headers = {"path": "a\0b"}
    for path in (write_bytes(tmp_path / "zip", whole), write_bytes(tmp_path / "tar", tarred([(info, b"")]))):
        with pytest.raises(BvaeError, match=r"'a\\x00b' in it has a name that no file can have"):
            take(path)


def test_a_name_that_is_no_unicode_or_no_name_is_refused_in_words_that_can_be_printed(tmp_path: Path) -> None:
    latin = with_checksum(tar_of({"a?b": b""}).replace(b"a?b", b"a\xe9b"))
    for path in (write_bytes(tmp_path / "latin", latin), write_tar(tmp_path / "nameless", {".": b""})):
        with pytest.raises(BvaeError, match="in it has a name that no file can have") as refused:
            take(path)
        assert refused.value.message.encode()


def with_checksum(tar: bytes) -> bytes:
    """A tar whose first header was changed, made sound again."""
    total = sum(tar[:148]) + 8 * 32 + sum(tar[156:512])
    return tar[:148] + b"%06o\0 " % total + tar[156:]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "x").write_bytes(tarred([(tar_info("a"), b""), (tar_info("lnk", kind=kind, target="a"), b"")]))
    with pytest.raises(BvaeError, match="'lnk' in it is a link"):
        take(tmp_path / "x")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"V", b"?"])
def test_devices_and_pipes_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "x").write_bytes(tarred([(tar_info("odd", kind=kind), b"")]))
    with pytest.raises(BvaeError, match="'odd' in it is a device"):
        take(tmp_path / "x")


def test_a_file_stored_with_gaps_is_refused(tmp_path: Path) -> None:
    info = tar_info("gaps", 512)
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**40)}
    (tmp_path / "x").write_bytes(tarred([(info, b"1\n0\n0\n".ljust(512, b"\0"))]))
    with pytest.raises(BvaeError, match="'gaps' in it is stored with gaps"):
        take(tmp_path / "x")


@pytest.mark.parametrize(("kind", "fault"), [(stat.S_IFLNK, "link"), (stat.S_IFIFO, "pipe"), (stat.S_IFBLK, "device")])
def test_what_is_no_file_in_a_zip_is_refused(tmp_path: Path, kind: int, fault: str) -> None:
    info = zipfile.ZipInfo("odd")
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr(info, b"/etc/passwd")
    with pytest.raises(BvaeError, match=f"'odd' in it is a .*{fault}"):
        take(tmp_path / "x")


@pytest.mark.parametrize("target", ["/etc/hostname", "a.png", "b", ".", "nowhere"])
def test_links_in_a_folder_are_refused_wherever_they_lead(tmp_path: Path, target: str) -> None:
    (write_folder(tmp_path / "x", FILES) / "lnk").symlink_to(target)
    with pytest.raises(BvaeError, match="'lnk' in it is a link"):
        take(tmp_path / "x")


def test_a_link_to_a_folder_or_a_file_may_be_named_itself(tmp_path: Path) -> None:
    (tmp_path / "folder").symlink_to(write_folder(tmp_path / "x", FILES))
    (tmp_path / "file").symlink_to(write_zip(tmp_path / "y", FILES))
    assert take(tmp_path / "folder") == take(tmp_path / "file") == FILES


def test_a_pipe_is_neither_read_nor_waited_for(tmp_path: Path) -> None:
    os.mkfifo(write_folder(tmp_path / "x", FILES) / "pipe")
    with pytest.raises(BvaeError, match="'pipe' in it is a device or a pipe"):
        take(tmp_path / "x")
    with pytest.raises(BvaeError, match="there is no file"):
        take(tmp_path / "x" / "pipe")


def test_a_file_of_a_folder_that_vanished_or_changed_is_refused(tmp_path: Path) -> None:
    with open_archive(write_folder(tmp_path / "x", FILES)) as archive:
        (tmp_path / "x" / "a.png").write_bytes(b"now something")
        with pytest.raises(BvaeError, match=r"'a\.png' in it does not hold the 0 bytes"):
            archive.read(archive.members[0])
        (tmp_path / "x" / "b" / "one.png").unlink()
        with pytest.raises(BvaeError, match=r"'b/one\.png' in it cannot be read: No such file"):
            archive.read(archive.members[1])


def with_directory(path: Path, offset: int, form: str, *values: int) -> Path:
    """A zip in whose directory a field of each member, in their order, is another; the rest is as it was."""
    content, start = bytearray(path.read_bytes()), -1
    for value in values:
        start = content.index(b"PK\1\2", start + 1)
        struct.pack_into(form, content, start + offset, value)
    path.write_bytes(content)
    return path


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BvaeError, match=r"'b/two\.png' in it is encrypted"):
        take(with_directory(write_zip(tmp_path / "x", FILES), 8, "<H", 1))


@pytest.mark.parametrize("method", [1, 9, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 99])
def test_members_that_are_not_deflated_are_refused(tmp_path: Path, method: int) -> None:
    with pytest.raises(BvaeError, match="in another way than by deflate"):
        take(with_directory(write_zip(tmp_path / "x", FILES), 10, "<H", method))


@pytest.mark.parametrize("place", [1, 20])
def test_overlapping_members_are_refused(tmp_path: Path, place: int) -> None:
    with pytest.raises(BvaeError, match="overlaps"):
        take(with_directory(write_zip(tmp_path / "x", FILES), 42, "<L", 0, place))


def test_a_member_that_reaches_into_the_next_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BvaeError, match=r"'b/two\.png' in it overlaps"):
        take(with_directory(write_zip(tmp_path / "x", FILES), 20, "<L", 760))


def test_a_member_that_is_too_large_is_refused(tmp_path: Path) -> None:
    size = archives.MAX_MEMBER_BYTES + 1
    with_directory(write_zip(tmp_path / "zip", FILES), 24, "<L", size)
    (tmp_path / "tar").write_bytes(gzip.compress(tar_info("b/two.png", size).tobuf()))
    with write_folder(tmp_path / "folder", {"b/two.png": b""}).joinpath("b/two.png").open("wb") as file:
        file.truncate(size)
    for name in ("zip", "tar", "folder"):
        with pytest.raises(BvaeError, match=rf"'b/two\.png' in it is said to have {size} bytes"):
            take(tmp_path / name)


@pytest.mark.parametrize("size", ["-512", "-1"])
def test_a_size_below_zero_is_refused(tmp_path: Path, size: str) -> None:
    info = tar_info("back")
    info.pax_headers = {"size": size}
    (tmp_path / "x").write_bytes(tarred([(info, b"")]))
    with pytest.raises(BvaeError, match="'back' in it is said to have -"):
        take(tmp_path / "x")


def test_members_that_are_too_large_together_are_refused(tmp_path: Path) -> None:
    files = {str(number): b"" for number in range(5)}
    path = with_directory(write_zip(tmp_path / "x", files), 24, "<L", *[archives.MAX_MEMBER_BYTES] * 5)
    with pytest.raises(BvaeError, match="'4' in it makes it unpack to far more than its own size"):
        take(path)


def test_the_listing_of_a_bomb_stops_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE", 0)
    bomb = gzip.compress(tar_of({str(number): bytes(100_000) for number in range(40)}))
    (tmp_path / "x").write_bytes(bomb[: len(bomb) * 9 // 10])  # what lies behind would be an error of its own
    with pytest.raises(BvaeError, match="makes it unpack to far more than its own size"):
        take(tmp_path / "x")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_headers_that_would_fill_the_memory_are_refused(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "x").write_bytes(gzip.compress(tar_info("x", 2**33 - 512, kind).tobuf() + bytes(2**21)))
    with pytest.raises(BvaeError, match="more headers than is sensible"):
        take(tmp_path / "x")


def test_headers_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE", 0)
    (tmp_path / "x").write_bytes(gzip.compress(tar_info("x", kind=tarfile.DIRTYPE).tobuf() * 10_000))
    with pytest.raises(BvaeError, match="more headers than is sensible"):
        take(tmp_path / "x")


def test_zeros_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE", 0)
    (tmp_path / "x").write_bytes(gzip.compress(tar_of({"x": b""}) + bytes(10_000_000)))
    with pytest.raises(BvaeError, match="more behind its end"):
        take(tmp_path / "x")


@pytest.mark.parametrize("said", [0, 699, 701])
def test_a_member_of_another_size_than_it_says_is_refused(tmp_path: Path, said: int) -> None:
    with pytest.raises(BvaeError, match=r"'b/two\.png' in it"):
        take(with_directory(write_zip(tmp_path / "x", FILES), 24, "<L", said))


@pytest.mark.parametrize("checked", [100, 101, 10**6])
def test_a_member_that_yields_more_than_it_says_is_refused_whatever_its_checksum(tmp_path: Path, checked: int) -> None:
    path = write_zip(tmp_path / "x", {"x": bytes(10**6)})
    with_directory(path, 16, "<L", zlib.crc32(bytes(checked)))
    with pytest.raises(BvaeError, match=r"'x' in it (cannot be read: Bad CRC|does not hold the 100 bytes)"):
        take(with_directory(path, 24, "<L", 100))


def test_a_member_with_a_wrong_checksum_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    with open_archive(with_directory(write_zip(tmp_path / "x", FILES), 16, "<L", 0)) as archive:
        with pytest.raises(BvaeError, match=r"'b/two\.png' in it cannot be read: Bad CRC-32"):
            archive.read(archive.members[0])
        assert archive.read(archive.members[2]) == FILES["b/one.png"]


def test_a_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BvaeError, match="there is no file or folder"):
        take(tmp_path / "x")


@anywhere
def test_what_is_empty_or_holds_only_litter_is_refused(tmp_path: Path, write: Writer) -> None:
    for number, files in enumerate([{}, {".DS_Store": b"?"}]):
        with pytest.raises(BvaeError):
            take(write(tmp_path / str(number), files))


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4", b"<html>" * 200, b"\x1f\x8b", b"BZh9", bytes(10240)])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    assert take_or_refuse(tmp_path / "x", content) is None


def test_a_compressed_file_that_is_no_tar_is_refused(tmp_path: Path) -> None:
    for pack in PACK.values():
        assert take_or_refuse(tmp_path / "x", pack(b"a picture" * 200)) is None


def test_a_zip_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = write_zip(tmp_path / "x", FILES).read_bytes()
    assert not any(take_or_refuse(tmp_path / "x", whole[:length]) for length in range(len(whole)))


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_a_compressed_tar_cut_anywhere_is_refused(tmp_path: Path, suffix: str) -> None:
    whole = PACK[suffix](tar_of(FILES))
    assert not any(take_or_refuse(tmp_path / "x", whole[:length]) for length in range(0, len(whole), 3))
    assert take_or_refuse(tmp_path / "x", whole[:-1]) is None


def test_a_tar_cut_before_its_closing_zeros_is_refused(tmp_path: Path) -> None:
    whole = tar_of(FILES)
    end = len(whole.rstrip(b"\0")) // 512 * 512 + 512
    for length in [*range(0, end, 64), end - 1, end, end + 1, end + 511]:
        assert take_or_refuse(tmp_path / "x", whole[:length]) is None
    assert take_or_refuse(tmp_path / "x", whole[: end + 512]) == FILES


def test_a_tar_damaged_between_members_does_not_end_there(tmp_path: Path) -> None:
    whole = bytearray(tar_of(FILES))
    whole[whole.index(b"b/one.png")] ^= 1
    with pytest.raises(BvaeError, match="damaged or cut short"):
        (tmp_path / "x").write_bytes(whole)
        take(tmp_path / "x")


def test_a_tar_behind_a_tar_is_not_lost_in_silence(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(tar_of(FILES) + tar_of({"more": b""}))
    with pytest.raises(BvaeError, match="more behind its end"):
        take(tmp_path / "x")


def test_the_checksum_of_a_gzip_is_heeded(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress(tar_of(FILES)))
    whole[-8] ^= 1
    (tmp_path / "x").write_bytes(whole)
    with pytest.raises(BvaeError, match="CRC check failed"):
        take(tmp_path / "x")


def test_a_zip_in_a_zip_or_a_tar_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    inner = write_zip(tmp_path / "inner", FILES).read_bytes()
    assert take(write_tar(tmp_path / "x.tar", {"inner.zip": inner})) == {"inner.zip": inner}
    with zipfile.ZipFile(tmp_path / "outer", "w") as archive:
        archive.writestr("inner.zip", inner)
    cut = (tmp_path / "outer").read_bytes()
    assert take_or_refuse(tmp_path / "outer", cut[: cut.rindex(b"PK\1\2")]) is None


def test_bytes_that_change_by_chance_are_noticed_or_harmless(tmp_path: Path) -> None:
    chance = random.Random(1)
    for write in (write_zip, write_tar, write_tar_gz):
        whole = write(tmp_path / "x", FILES).read_bytes()
        for _ in range(200):
            content = bytearray(whole)
            for _ in range(chance.choice([1, 1, 4, 32])):
                content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            take_or_refuse(tmp_path / "x", bytes(content))


def test_noise_is_refused(tmp_path: Path) -> None:
    chance = random.Random(2)
    for magic in (b"", b"PK\3\4", b"\x1f\x8b\x08\0", b"BZh9", b"\xfd7zXZ\0"):
        for _ in range(40):
            assert take_or_refuse(tmp_path / "x", magic + chance.randbytes(chance.randrange(2000))) is None


class Counted(io.BufferedReader):
    """A file that counts the bytes read of it."""

    total = 0

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(size)
        self.total += len(content)
        return content


def test_a_compressed_tar_is_unpacked_once_to_list_and_once_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {str(number): NOISE.randbytes(NOISE.choice([0, 10, 512, 9000])) for number in range(300)}
    content = gzip.compress(tar_of(files))
    counted = Counted(io.FileIO(write_bytes(tmp_path / "x", content)))
    monkeypatch.setitem(archives.COMPRESSED, b"\x1f\x8b", lambda file: gzip.GzipFile(fileobj=counted))
    with counted:
        assert take(tmp_path / "x") == files
    assert len(content) < counted.total <= 2 * len(content)


def test_errors_of_who_reads_an_archive_are_their_own(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), open_archive(write_zip(tmp_path / "x", FILES)):
        raise ZeroDivisionError


def test_an_archive_says_what_it_holds(tmp_path: Path) -> None:
    with open_archive(write_zip(tmp_path / "x", FILES)) as archive:
        assert archive.members == [Member(name, len(content)) for name, content in FILES.items()]
