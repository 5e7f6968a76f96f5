"""What is found beside the annotations of a sink, and which project they are of."""

import gzip
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from legosigns_dagster.core.ingestion.incremental import Extraction
from legosigns_dagster.resources.label_studio.sources import SinkSource
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster_tests.support.builders import annotation, region, sink_document, task, write_image
from legosigns_dagster_tests.support.servers import S3Server


def document(number: int, project: Any = 1) -> dict[str, Any]:
    whole = task(f"{number}.jpg", annotation(region(), id=number, project=project), id=number)
    return sink_document(whole | {"project": project})


def write_sink(folder: Path, *documents: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    for one in documents:
        (folder / str(one["id"])).write_text(json.dumps(one))
    return folder


def extract(folder: Path, project: str = "") -> Extraction:
    location = Location(str(folder), "LABEL_STUDIO_SINK", lambda: None)  # type: ignore[arg-type,return-value]
    return SinkSource(location, project, log=logging.getLogger("sink")).extract(folder)


# Where people met it: label-studio 824, 8838, compare50 4.
OTHER_FILES = [
    (".DS_Store", b"\0\0\0\1Bud1\xff"), ("._17", b"\0\5\26\7"), ("Thumbs.db", b"\xd0\xcf\x11\xe0"),
    ("desktop.ini", b"\xff\xfe["), ("_SUCCESS", b""), ("_committed_123", b"{}"), ("17.tmp", b'{"id"'),
    (".17.swp", b"b0"), ("17.json.crc", b"crc"), ("17~", b"{"), ("marker", b""), ("folder_$folder$", b""),
    (".git/HEAD", b"ref"), ("__MACOSX/17", b"\0\5"), (".ipynb_checkpoints/17-checkpoint.json", b"{}"),
    ("images/a.jpg", b"\xff\xd8\xff\xe0"), ("b", b"\x89PNG\r\n"), ("README.md", b"# The sink"),
    ("classes.txt", b"SpeedLimit"), ("@eaDir/17", b"x"), ("manifest.json", b'[{"version": 1}]'),
    ("notes.json", b'{"categories": [], "info": {"contributor": "Label Studio"}}'),
]  # fmt: skip


def test_files_that_are_no_annotations_are_no_rows_and_are_listed_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sink = write_sink(tmp_path / "sink", document(1), document(2))
    for name, content in OTHER_FILES:
        (sink / name).parent.mkdir(exist_ok=True)
        (sink / name).write_bytes(content)
    write_image(sink / "c.jpg", seed=1).rename(sink / "c")
    with caplog.at_level(logging.INFO, "sink"):
        found = extract(sink)
    assert [one.id for one in found.tasks] == ["1", "2"]
    assert list(found.unreadable) == []
    (message,) = caplog.messages
    assert message.startswith(f"LABEL_STUDIO_SINK: {len(OTHER_FILES) + 1} files are no annotations and not used: ")
    assert message.endswith("and 13 more")
    assert ".DS_Store" in message


def test_a_sink_without_other_files_logs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "sink"):
        extract(write_sink(tmp_path / "sink", document(1)))
    assert caplog.messages == []


DAMAGED = {
    "an empty annotation": ("7", b"", "it is empty"),
    "an empty annotation with an ending": ("7.json", b"", "it is empty"),
    "cut off": ("7", b'{"id": 7, "result": [', "it is cut off or damaged"),
    "another encoding": ("7", b'{"id": "\xe9"}', "not in UTF-8"),
    "binary": ("7", bytes(range(128, 256)), "not in UTF-8"),
    "a page of a proxy": ("7", b"<html>502</html>", "a page in HTML or XML"),
    "a damaged gzip": ("7.gz", b"\x1f\x8b\x08\0\0", "cannot be unpacked"),
    "a zip of something else": ("7.zip", b"PK\x03\x04", "cannot be unpacked"),
    "another shape": ("7.json", b'{"annotations": [], "images": []}', "found the keys"),
    "a number": ("7", b"7", "expected a Label Studio task"),
    "endless brackets": ("7", b"[" * 100_000, "RecursionError"),
    "an endless number": ("7", b'{"id": ' + b"9" * 5000 + b"}", "ValueError"),
}


@pytest.mark.parametrize(("name", "content", "words"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_a_row_with_its_name_and_the_others_are_read(
    name: str, content: bytes, words: str, tmp_path: Path
) -> None:
    sink = write_sink(tmp_path / "sink", document(1), document(2))
    (sink / name).write_bytes(content)
    found = extract(sink)
    assert [one.id for one in found.tasks] == ["1", "2"]
    (row,) = found.unreadable
    assert (row.reason, row.annotation) == ("unreadable_annotation", name)
    assert words in row.detail
    assert name in row.detail


def test_a_link_that_leads_nowhere_and_a_name_of_another_encoding_are_rows(tmp_path: Path) -> None:
    sink = write_sink(tmp_path / "sink", document(1))
    (sink / "8").symlink_to(tmp_path / "nowhere")
    Path(os.fsdecode(os.fsencode(sink) + b"/\xff")).write_text("{")
    found = extract(sink)
    assert [one.id for one in found.tasks] == ["1"]
    assert [(row.annotation, row.detail.split(": ")[1]) for row in found.unreadable] == [
        ("8", "FileNotFoundError"),
        ("?", "JSONDecodeError"),
    ]


@pytest.mark.parametrize("target", ["/dev/zero", ".pipe"])
def test_a_pipe_or_a_device_is_a_row_and_is_not_read(target: str, tmp_path: Path) -> None:
    sink = write_sink(tmp_path / "sink", document(1))
    os.mkfifo(sink / ".pipe")
    os.mkfifo(sink / "9")
    (sink / "8").symlink_to(target)
    found = extract(sink)
    assert [one.id for one in found.tasks] == ["1"]
    assert [row.detail for row in found.unreadable] == [
        f"{name} is a pipe or a device, expected a file: remove it: export it again" for name in ("8", "9")
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le"])
def test_a_sinks_file_may_be_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    sink = write_sink(tmp_path / "sink", document(1))
    (sink / "2").write_bytes(json.dumps(document(2)).encode(encoding))
    (sink / "3.json.gz").write_bytes(gzip.compress(json.dumps(document(3)).encode(encoding)))
    found = extract(sink)
    assert [one.id for one in found.tasks] == ["1", "2", "3"]
    assert list(found.unreadable) == []


def test_files_of_the_same_name_in_two_folders_are_two_rows(tmp_path: Path) -> None:
    sink = write_sink(tmp_path / "sink", document(1))
    for folder in ("a", "b"):
        (sink / folder).mkdir()
        (sink / folder / "7").write_text("{")
    assert [row.annotation for row in extract(sink).unreadable] == ["a/7", "b/7"]


def test_a_sink_may_be_one_file(tmp_path: Path) -> None:
    assert [one.id for one in extract(write_sink(tmp_path / "sink", document(1)) / "1").tasks] == ["1"]


def test_a_marker_with_the_name_of_a_folder_is_not_in_its_way(s3_server: S3Server, bucket: str, tmp_path: Path) -> None:
    objects = S3ObjectStore(s3_server.client(), bucket)
    objects.write("sink/1", b"")
    objects.write("sink/1/7", json.dumps(document(7)).encode())
    location = Location(f"s3://{bucket}/sink", "LABEL_STUDIO_SINK", s3_server.client)
    assert [one.id for one in SinkSource(location).extract(tmp_path).tasks] == ["7"]


SIGNS, CARS = {"id": 7, "title": "Lego signs"}, {"id": 8, "title": "Cars"}


@pytest.mark.parametrize("wanted", ["7", " 7 ", "Lego signs"])
def test_a_project_is_chosen_by_its_id_or_by_a_title_that_the_files_have(wanted: str, tmp_path: Path) -> None:
    sink = write_sink(tmp_path / "sink", document(1, SIGNS), document(2, CARS), document(3, 7))
    found = extract(sink, wanted)
    assert [(one.id, one.project) for one in found.tasks] == [("1", "7"), ("3", "7")]


@pytest.mark.parametrize(
    ("wanted", "projects", "words"),
    [
        ("Lego signs", [1, 1, 2], r"0 projects .*LABEL_STUDIO_SINK.* give one of 1 \(2 documents\); 2 \(1 documents\)"),
        ("9", [SIGNS, CARS], r"0 projects .*LABEL_STUDIO_SINK.* give one of 7 Lego signs \(1 documents\); 8 Cars"),
        ("Same", [{"id": 1, "title": "Same"}, {"id": 2, "title": "Same"}], "2 projects .* 1 Same .* 2 Same"),
        ("7", [None, ""], r"0 projects .*give one of no id \(2 documents\)"),
    ],
)
def test_a_project_that_the_files_do_not_tell_is_an_error_with_those_that_there_are(
    wanted: str, projects: list[Any], words: str, tmp_path: Path
) -> None:
    sink = write_sink(tmp_path / "sink", *(document(n, project) for n, project in enumerate(projects, 1)))
    with pytest.raises(ValueError, match=rf"^LABEL_STUDIO_PROJECT is '{wanted}', the id or title of {words}"):
        extract(sink, wanted)


def test_documents_without_a_project_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = extract(write_sink(tmp_path / "sink", document(1, 7), document(2, None)), "7")
    assert [one.id for one in found.tasks] == ["1"]
    assert caplog.messages == ["LABEL_STUDIO_SINK: 1 documents name no project and are not used"]
