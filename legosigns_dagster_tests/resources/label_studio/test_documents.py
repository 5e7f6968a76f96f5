"""An export in every form that people give it, and what is no export."""

import bz2
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from legosigns_dagster.core.ingestion.incremental import Extraction
from legosigns_dagster.resources.label_studio.sources import ExportSource
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster_tests.support.builders import annotation, region, task

TASKS = [task(f"é{number}.jpg", annotation(region(), id=number), id=number) for number in (1, 2)]
TEXT = json.dumps(TASKS, ensure_ascii=False)
LINES = "\n".join(json.dumps(one) for one in TASKS)


def packed(members: dict[str, str | bytes]) -> bytes:
    with zipfile.ZipFile(content := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def extract(file: Path, content: bytes) -> Extraction:
    file.write_bytes(content)
    return ExportSource(Location(str(file), "LABEL_STUDIO_EXPORT", lambda: None)).extract(file.parent)  # type: ignore[arg-type,return-value]


# Where people met it: label-studio 731, 824, label-studio-sdk 122; PowerShell's `>` writes UTF-16.
READ = {
    "UTF-8": TEXT.encode(),
    "UTF-8 with a mark": TEXT.encode("utf-8-sig"),
    "UTF-16 of PowerShell": TEXT.encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "UTF-16 without a mark": TEXT.encode("utf-16-le"),
    "UTF-32": TEXT.encode("utf-32"),
    "gzip": gzip.compress(TEXT.encode()),
    "gzip of UTF-16": gzip.compress(TEXT.encode("utf-16")),
    "zip": packed({"export.json": TEXT, "export.txt": "about"}),
    "zip with images": packed({"images/a.jpg": b"\xff\xd8\xff", "result.json": TEXT}),
    "zip of a Mac": packed({"export.json": TEXT, "__MACOSX/._export.json": b"\0\5\26\7"}),
    "zip with a file for each task": packed({f"{n}.json": json.dumps(one) for n, one in enumerate(TASKS)}),
    "zip of a gzip": packed({"export.json.gz": gzip.compress(TEXT.encode())}),
    "JSON lines": LINES.encode(),
    "JSON lines of Windows, with empty ones": b"\r\n" + LINES.replace("\n", "\r\n\r\n").encode() + b"\r\n",
    "JSON lines with a mark": LINES.encode("utf-8-sig"),
    "a list in each line": "\n".join(json.dumps([one]) for one in TASKS).encode(),
    "projects as objects": json.dumps([one | {"project": {"id": 1, "title": "Signs"}} for one in TASKS]).encode(),
}


@pytest.mark.parametrize("content", READ.values(), ids=READ.keys())
def test_an_export_is_read_in_any_encoding_and_packing(content: bytes, tmp_path: Path) -> None:
    plain = extract(tmp_path / "plain.json", TEXT.encode())
    found = extract(tmp_path / "export.bin", content)
    assert [(one.id, one.project, one.data, one.annotations) for one in found.tasks] == [
        (one.id, one.project, one.data, one.annotations) for one in plain.tasks
    ]
    assert list(found.unreadable) == []


REFUSED = {
    "an empty file": (b"", "it is empty"),
    "only spaces": (b" \n", "it is empty"),
    "zeros": (bytes(40), "it is empty"),
    "a page": (b"<!DOCTYPE html><html>Log in</html>", "it is a page in HTML or XML"),
    "CSV": (b"image,id,label\na.jpg,1,x\n", "it is a table like CSV"),
    "TSV": (b"image\tid\na.jpg\t1\n", "it is a table like CSV"),
    "another text": (b"hello", "it is another text"),
    "cut off": (TEXT.encode()[:100], "it is cut off or damaged"),
    "Latin 1": (TEXT.encode("latin-1"), r"damaged or not in UTF-8 \(byte 0xe9 at \d+\)"),
    "a JPEG": (b"\xff\xd8\xff\xe0", "a JPEG image"),
    "a database": (b"SQLite format 3\0", "an SQLite database"),
    "bzip2": (bz2.compress(TEXT.encode()), "a bzip2 archive"),
    "a zip of images": (packed({"images/a.jpg": b"x"}), r"a zip with no JSON file in it, but images/a\.jpg"),
    "an empty zip": (packed({}), "an empty zip"),
    "a zip that is cut off": (packed({"a.json": TEXT})[:60], "cannot be unpacked"),
    "a gzip that is cut off": (gzip.compress(TEXT.encode())[:60], "cannot be unpacked"),
    "a gzip that is damaged": (gzip.compress(TEXT.encode())[:20] + b"\1\2\3", "cannot be unpacked"),
    "packed without end": (gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"[]")))), "more than 3 times"),
    "endless brackets": (b"[" * 100_000, "RecursionError"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_export_is_named_with_its_variable_and_its_kind(content: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"(?s)^LABEL_STUDIO_EXPORT is .*/export\.bin: export\.bin.*{words}"):
        extract(tmp_path / "export.bin", content)


def test_an_archive_that_is_damaged_is_named_whatever_its_name_is(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(TEXT.encode()))
    content[12:30] = bytes(18)
    with pytest.raises(ValueError, match=r"^LABEL_STUDIO_EXPORT is .*/e: e is packed and cannot be unpacked \(error: "):
        extract(tmp_path / "e", bytes(content))


def test_an_export_that_is_too_large_unpacked_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("legosigns_dagster.resources.label_studio.packed_files.MAX_BYTES", 1000)
    for content in (gzip.compress(bytes(2000)), packed({"a.json": bytes(2000)})):
        with pytest.raises(ValueError, match=r"export\.bin has more than"):
            extract(tmp_path / "export.bin", content)


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: packed({"a.json": content})], ids=["gzip", "zip"])
def test_an_export_that_grows_a_thousand_times_is_refused(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"export\.bin has more than 50 MB when it is unpacked"):
        extract(tmp_path / "export.bin", pack(b" " * 51_000_000))


def test_a_damaged_line_is_a_row_and_the_others_are_read(tmp_path: Path) -> None:
    found = extract(tmp_path / "export.jsonl", (LINES + "\n" + LINES[:80]).encode())
    assert [one.id for one in found.tasks] == ["1", "2"]
    (row,) = found.unreadable
    assert row.reason == "unreadable_annotation"
    assert "export.jsonl, line 3: JSONDecodeError" in row.detail


def test_a_damaged_file_in_a_zip_is_a_row_and_the_others_are_read(tmp_path: Path) -> None:
    found = extract(tmp_path / "export.zip", packed({"a.json": TEXT, "b.json": TEXT[:80], "c.json": b"\xff\xd8\xff"}))
    assert [one.id for one in found.tasks] == ["1", "2"]
    first, second = found.unreadable
    assert "export.zip/b.json: JSONDecodeError" in first.detail
    assert "export.zip/c.json is a JPEG image" in second.detail
