import io
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from legosigns_dagster.core.archives import unpack
from legosigns_dagster.core.dataset.yolo_format import read_yolo
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
