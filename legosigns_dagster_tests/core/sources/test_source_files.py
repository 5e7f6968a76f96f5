import errno
import os
from pathlib import Path

import pytest

from legosigns_dagster.core.sources.source_files import error_text, list_source_files
from legosigns_dagster_tests.support.yolo_folder import write_files


def test_files_are_listed_in_the_order_of_their_paths(tmp_path: Path) -> None:
    write_files(tmp_path, {"b.txt": "", "a/2.JPG": "", "a/1.txt": "", "a.txt": "", ".hidden": "", "a/Thumbs.db": ""})
    source = list_source_files(tmp_path)
    assert list(source.files) == ["a/1.txt", "a/2.JPG", "a.txt", "b.txt"]
    assert list(source.images) == ["a/2.JPG"]


def test_what_cannot_be_read_is_named_and_the_others_are_unharmed(tmp_path: Path) -> None:
    top = write_files(tmp_path / "top", {"good.txt": ""})
    write_files(tmp_path, {"outside/far.txt": ""})
    (top / "out").symlink_to("../outside")
    (top / "loop").symlink_to("loop")
    os.mkfifo(top / "pipe.jpg")
    (top / os.fsdecode(b"stra\xdfe.jpg")).write_bytes(b"")
    source = list_source_files(top)
    assert list(source.files) == ["good.txt"]
    reasons = dict(source.left_out)
    assert set(reasons) == {"out", "loop", "pipe.jpg", "stra\\xdfe.jpg"}
    assert "outside of" in reasons["out"]
    assert "not UTF-8" in reasons["stra\\xdfe.jpg"]


def test_a_source_that_is_a_link_is_read(tmp_path: Path) -> None:
    write_files(tmp_path / "top", {"deep/good.txt": ""})
    (tmp_path / "top/other").symlink_to(tmp_path / "top/deep")
    (tmp_path / "link").symlink_to("top")
    assert list(list_source_files(tmp_path / "link").files) == ["deep/good.txt", "other/good.txt"]


@pytest.mark.parametrize(
    ("error", "text"),
    [(ValueError("line 2"), "line 2"), (KeyError("a"), "KeyError: 'a'"), (OSError("x"), "OSError: x")],
)
def test_an_error_of_another_type_has_its_type(error: Exception, text: str) -> None:
    assert error_text(error) == text


def test_a_full_disk_is_no_fault_of_an_item() -> None:
    with pytest.raises(OSError, match="No space left"):
        error_text(OSError(errno.ENOSPC, "No space left on device"))
