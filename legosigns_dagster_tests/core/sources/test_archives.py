import gzip
import io
import re
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from legosigns_dagster.core.dataset.yolo_format import read_yolo
from legosigns_dagster.core.sources import unpack_limit
from legosigns_dagster.core.sources.archives import unpack
from legosigns_dagster_tests.support.builders import CLASSES
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.yolo_folder import write_files, yolo_files


@pytest.mark.parametrize("top", ["", "signs", "deep/inside"])
@pytest.mark.parametrize("kind", ["gztar", "tar", "bztar", "zip"])
def test_an_archive_is_the_same_as_its_folder(kind: str, top: str, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "given", yolo_files())
    shutil.copytree(folder, tmp_path / "packed" / top)
    file = Path(shutil.make_archive(str(tmp_path / "set"), kind, tmp_path / "packed"))
    unpacked = unpack(file, tmp_path / "unpacked")
    packed, plain = (read_yolo(one, CLASSES, tmp_path / one.name / "into", "x", SILENT) for one in (unpacked, folder))
    assert list(packed) == list(plain)
    assert len(packed.boxes) == 8


def test_a_zip_of_windows_has_folders(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("signs\\images\\", "signs\\images\\a.txt"):
            member = zipfile.ZipInfo()
            member.filename = name
            archive.writestr(member, "a" if name.endswith("txt") else "")
    unpack(tmp_path / "set.zip", tmp_path / "into")
    assert (tmp_path / "into/signs/images/a.txt").read_text() == "a"


def write_archive(file: Path, member: tarfile.TarInfo) -> Path:
    with tarfile.open(file, "w:gz") as archive:
        archive.addfile(member, io.BytesIO(b"\0" * member.size))
    return file


def test_an_archive_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    upwards = tarfile.TarInfo("../evil.txt")
    upwards.size = 4
    link = tarfile.TarInfo("way-out")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    (tmp_path / "deep").mkdir()
    for member in (upwards, link):
        with pytest.raises(ValueError, match=r"set\.tar\.gz.*refused"):
            unpack(write_archive(tmp_path / "set.tar.gz", member), tmp_path / "deep")
    assert not (tmp_path / "evil.txt").exists()


def test_an_absolute_member_lands_inside_the_folder(tmp_path: Path) -> None:
    absolute = tarfile.TarInfo(f"{tmp_path}/outside/evil.txt")
    unpack(write_archive(tmp_path / "set.tar.gz", absolute), tmp_path / "deep")
    assert not (tmp_path / "outside").exists()


def test_a_file_that_is_no_archive_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "set.tar.gz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"set\.tar\.gz is not a readable"):
        unpack(tmp_path / "set.tar.gz", tmp_path)


def write_zip(file: Path, name: str, content: str, mode: int = stat.S_IFREG | 0o644) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        archive.writestr(member, content)
    return file


@pytest.mark.parametrize(
    ("name", "content", "mode"),
    [
        pytest.param("../evil.txt", "x", stat.S_IFREG, id="upwards"),
        pytest.param("a/../../evil.txt", "x", stat.S_IFREG, id="down and upwards"),
        pytest.param("..\\evil.txt", "x", stat.S_IFREG, id="upwards on Windows"),
        pytest.param("way-out", "/etc", stat.S_IFLNK, id="a link to a whole path"),
        pytest.param("a/way-out", "../../x", stat.S_IFLNK, id="a link upwards"),
    ],
)
def test_a_zip_that_leaves_its_folder_is_refused(name: str, content: str, mode: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"set\.zip.*refused"):
        unpack(write_zip(tmp_path / "set.zip", name, content, mode), tmp_path / "deep")
    assert not (tmp_path / "evil.txt").exists()


def test_a_whole_path_in_a_zip_lands_inside_the_folder_and_a_link_inside_is_kept(tmp_path: Path) -> None:
    unpack(write_zip(tmp_path / "set.zip", "/etc/evil.txt", "x"), tmp_path / "deep")
    assert (tmp_path / "deep/etc/evil.txt").read_text() == "x"
    unpack(write_zip(tmp_path / "set.zip", "link.txt", "etc/evil.txt", stat.S_IFLNK), tmp_path / "deep")
    assert (tmp_path / "deep/link.txt").read_text() == "x"


def pack_tar(file: Path, *members: tuple[str, bytes, str], content: bytes = b"x") -> Path:
    """Write a tar whose members are a name, a type and the target of a link each."""
    with tarfile.open(file, "w") as archive:
        for name, kind, link in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            member.size = len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(content))
    return file


FILE, LINK, HARD_LINK, FOLDER = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


@pytest.mark.parametrize(
    ("members", "words"),
    [
        pytest.param([("a", FILE, ""), ("a", FILE, "")], "'a' is there twice", id="a name twice"),
        pytest.param([("a", FILE, ""), ("./x/../a", FILE, "")], "'./x/../a' is there twice", id="twice in other words"),
        pytest.param([("a", FOLDER, ""), ("a", FILE, "")], "'a' is there twice", id="a folder and a file"),
        pytest.param([("a", FILE, ""), ("a/b", FILE, "")], "'a/b' is below a member that is no folder",
                     id="below a file"),
        # CVE-2025-4517 of Python: links in links lead outside where their paths become too long to be checked
        pytest.param([("d", FOLDER, ""), ("l", LINK, "d"), ("l/b", FILE, "")], "'l/b' would be written through a link",
                     id="through a link"),
        pytest.param([("l", LINK, ".."), ("b", FILE, "")], "'l' would link to", id="a link upwards"),
        pytest.param([("b", HARD_LINK, "a")], "'b' is a link to 'a', no file", id="a hard link to nothing"),
        pytest.param([("a", FILE, ""), ("l", LINK, "a"), ("b", HARD_LINK, "l")], "'b' is a link to 'l', no file",
                     id="a hard link to a link"),
        pytest.param([("b", HARD_LINK, "../../etc/passwd")], "no file", id="a hard link outside"),
        pytest.param([("p", tarfile.FIFOTYPE, "")], "'p' is a special file", id="a pipe"),
        pytest.param([("z", tarfile.CHRTYPE, "")], "'z' is a special file", id="a device"),
        pytest.param([("z", tarfile.BLKTYPE, "")], "'z' is a special file", id="a disk"),
    ],
)  # fmt: skip
def test_a_member_that_is_not_unpacked_is_named(
    members: list[tuple[str, bytes, str]], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)) as refused:
        unpack(pack_tar(tmp_path / "set.tar", *members), tmp_path / "deep")
    assert str(refused.value).startswith(f"{tmp_path / 'set.tar'} is refused: ")
    assert str(refused.value).endswith("pack only the images and labels again, or give their folder")


def test_names_that_differ_by_case_alone_are_two_files_where_the_disk_has_two(tmp_path: Path) -> None:
    unpack(pack_tar(tmp_path / "set.tar", ("a.txt", FILE, ""), ("A.txt", FILE, "")), tmp_path / "deep")
    assert sorted(file.name for file in (tmp_path / "deep").iterdir()) == ["A.txt", "a.txt"]


def test_a_hard_link_to_a_file_before_it_is_kept(tmp_path: Path) -> None:
    unpack(pack_tar(tmp_path / "set.tar", ("d/a", FILE, ""), ("b", HARD_LINK, "./d/a")), tmp_path / "deep")
    assert (tmp_path / "deep/b").read_bytes() == b"x"


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_a_device_in_a_zip_is_named(kind: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"set\.zip is refused: 'odd' is a device or a pipe"):
        unpack(write_zip(tmp_path / "set.zip", "odd", "x", kind), tmp_path / "deep")


def test_a_name_that_is_twice_in_a_zip_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a.txt", "one")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.txt", "other")
    with pytest.raises(ValueError, match=r"set\.zip is refused: 'a\.txt' is there twice"):
        unpack(tmp_path / "set.zip", tmp_path / "deep")


def test_a_folder_without_a_slash_is_a_folder(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        folder = zipfile.ZipInfo("images")
        folder.external_attr = 0x10
        archive.writestr(folder, "")
        archive.writestr("images/a.txt", "a")
    assert (unpack(tmp_path / "set.zip", tmp_path / "deep") / "images/a.txt").read_text() == "a"


def write_bomb(file: Path, size: int) -> Path:
    """Write an archive of one file that says it has this size when it is unpacked."""
    if file.suffix == ".gz":
        header = tarfile.TarInfo("zeros.jpg")
        header.size = size
        file.write_bytes(gzip.compress(header.tobuf() + b"\0" * 10_000))
        return file
    content = bytearray(write_zip(file, "zeros.jpg", "x").read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = size.to_bytes(4, "little")
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("name", ["set.zip", "set.tar.gz"])
def test_an_archive_that_grows_a_thousand_times_is_refused_before_it_is_written(name: str, tmp_path: Path) -> None:
    file = write_bomb(tmp_path / name, 1_001_000_000)
    with pytest.raises(
        ValueError, match=rf"{name} is refused: it unpacks to more than 1\.0 GB, 100 times its own size"
    ):
        unpack(file, tmp_path / "deep")
    assert sum(one.stat().st_size for one in (tmp_path / "deep").rglob("*")) == 0


def test_the_members_of_an_archive_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack_limit, "MOST_FILES", 2)
    members = [(name, FILE, "") for name in "abc"]
    unpack(pack_tar(tmp_path / "set.tar", *members[:2]), tmp_path / "two")
    with pytest.raises(ValueError, match="it has more than 2 members"):
        unpack(pack_tar(tmp_path / "set.tar", *members), tmp_path / "three")


@pytest.mark.parametrize(
    ("packed", "free", "most"), [(10**6, 10**13, 10**9), (10**9, 10**13, 10**11), (10**9, 10**10, 9 * 10**9)]
)
def test_real_data_fits_into_the_limit(packed: int, free: int, most: int) -> None:
    unpack_limit.UnpackLimit(packed, free).count("all", most)
    with pytest.raises(unpack_limit.RefusedError, match="the disk has left" if free < 10**13 else "100 times"):
        unpack_limit.UnpackLimit(packed, free).count("all", most + 1)


# CVE-2025-8194 of Python: a negative size makes its reader go in a circle; a large header is read into memory whole.
@pytest.mark.parametrize(
    ("kind", "size", "words"),
    [
        pytest.param(tarfile.REGTYPE, -512, "'odd' has the size -512", id="a negative size"),
        pytest.param(tarfile.XHDTYPE, 2**40, "a header in it claims", id="a large pax header"),
        pytest.param(tarfile.XHDTYPE, -512, "a header in it claims", id="a negative pax header"),
        pytest.param(tarfile.GNUTYPE_LONGNAME, 2**40, "a header in it claims", id="a large name"),
    ],
)
def test_a_size_that_cannot_be_is_refused(kind: bytes, size: int, words: str, tmp_path: Path) -> None:
    good, odd = tarfile.TarInfo("good"), tarfile.TarInfo("odd")
    odd.type, odd.size = kind, size
    (tmp_path / "set.tar").write_bytes(good.tobuf() + odd.tobuf(tarfile.GNU_FORMAT) + b"\0" * 2048)
    with pytest.raises(ValueError, match=words):
        unpack(tmp_path / "set.tar", tmp_path / "deep")


@pytest.mark.parametrize("kind", ["tar", "gztar"])
def test_a_tar_with_a_damaged_header_is_not_taken_for_a_shorter_one(kind: str, tmp_path: Path) -> None:
    file = pack_tar(tmp_path / "set.tar", ("a", FILE, ""), ("b", FILE, ""), ("c", FILE, ""))
    content = bytearray(file.read_bytes())
    content[1024 + 20] ^= 1
    file.write_bytes(content if kind == "tar" else gzip.compress(content))
    with pytest.raises(ValueError, match=r"set\.tar is not a readable .*damaged, or cut off, after 1 members"):
        unpack(file, tmp_path / "deep")


def test_a_tar_that_ends_with_a_zip_is_a_tar(tmp_path: Path) -> None:
    """What is in an archive in an archive is not read, and the inner one is named where the folder is read."""
    inner = write_zip(tmp_path / "inner.zip", "a.txt", "content").read_bytes()
    unpack(pack_tar(tmp_path / "set.tar", ("inner.zip", FILE, ""), content=inner), tmp_path / "deep")
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["inner.zip"]
    with pytest.raises(FileNotFoundError, match=r"deep has 0 files data\.yaml.* but inner\.zip: unpack it"):
        read_yolo(tmp_path / "deep", CLASSES, tmp_path / "into", "x", SILENT)


def test_a_damaged_zip_is_refused_by_name(tmp_path: Path) -> None:
    file = write_zip(tmp_path / "set.zip", "a.txt", "content")
    file.write_bytes(file.read_bytes().replace(b"content", b"CONTENT"))
    with pytest.raises(ValueError, match=r"set\.zip is not a readable .*a\.txt"):
        unpack(file, tmp_path / "into")


def test_a_zip_with_a_password_is_refused_by_name(tmp_path: Path) -> None:
    file = write_zip(tmp_path / "set.zip", "a.txt", "content")
    content = bytearray(file.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"set\.zip is not a readable .*password"):
        unpack(file, tmp_path / "into")
