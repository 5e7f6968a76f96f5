"""One contract for snapshots of folders: on the local disk and on a real S3 server."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.resources.storage.object_store import LocalObjectStore, ObjectStore
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster_tests.support.builders import write_folder


class RecordingStore:
    """An object store that passes everything on, records uploads and writes, and fails before a chosen one."""

    def __init__(self, inner: ObjectStore) -> None:
        self.inner, self.uploaded, self.written, self.fails_at = inner, [], [], ""

    uploaded: list[str]
    written: list[str]

    def upload(self, file: Path, key: str) -> None:
        self._maybe_fail(key)
        self.uploaded.append(key)
        self.inner.upload(file, key)

    def write(self, key: str, content: bytes) -> None:
        self._maybe_fail(key)
        self.written.append(key)
        self.inner.write(key, content)

    def _maybe_fail(self, key: str) -> None:
        if self.fails_at and self.fails_at in key:
            raise ConnectionError(f"killed before {key}")

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


@pytest.fixture(params=["local", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> RecordingStore:
    if request.param == "local":
        return RecordingStore(LocalObjectStore(tmp_path / "store"))
    server, bucket = request.getfixturevalue("s3_server"), request.getfixturevalue("bucket")
    return RecordingStore(S3ObjectStore(server.client(), bucket))


@pytest.fixture
def store(objects: RecordingStore, tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(objects, tmp_path / "cache", "prefix/")  # type: ignore[arg-type]


def test_a_folder_comes_back_as_it_was(store: SnapshotStore, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    snapshot = store.save("asset", "run-1", folder)
    store.load(store.find("asset"), tmp_path / "loaded")
    assert index_folder(tmp_path / "loaded") == index_folder(folder)
    assert snapshot.digest == folder_digest(index_folder(folder))


def test_only_changed_files_are_uploaded(store: SnapshotStore, objects: RecordingStore, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    store.save("asset", "run-1", folder)
    objects.uploaded.clear()
    (folder / "images" / "3.bin").write_bytes(b"changed")
    store.save("asset", "run-2", folder)
    assert len(objects.uploaded) == 1


def test_equal_content_is_stored_once_for_all_assets(
    store: SnapshotStore, objects: RecordingStore, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "folder")
    store.save("first asset", "run-1", folder)
    objects.uploaded.clear()
    store.save("second asset", "run-1", folder)
    assert objects.uploaded == []


def test_an_older_version_stays_readable(store: SnapshotStore, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    before = index_folder(folder)
    store.save("asset", "run-1", folder)
    (folder / "images" / "0.bin").write_bytes(b"changed")
    store.save("asset", "run-2", folder)
    store.load(store.find("asset", "run-1"), tmp_path / "old")
    assert index_folder(tmp_path / "old") == before


@pytest.mark.parametrize("moment", ["blobs/", "snapshots/asset/run-2", "current/"])
def test_a_writer_killed_at_any_point_leaves_the_version_before(
    store: SnapshotStore, objects: RecordingStore, tmp_path: Path, moment: str
) -> None:
    folder = write_folder(tmp_path / "folder")
    before = store.save("asset", "run-1", folder)
    (folder / "images" / "new.bin").write_bytes(b"new")
    objects.fails_at = moment
    with pytest.raises(ConnectionError):
        store.save("asset", "run-2", folder)
    store.load(store.find("asset"), tmp_path / "loaded")
    assert store.find("asset") == before
    assert index_folder(tmp_path / "loaded") == before.files


def test_what_was_never_made_says_what_to_materialize(store: SnapshotStore) -> None:
    with pytest.raises(FileNotFoundError, match="no version of asset.*materialize asset first"):
        store.find("asset")


def test_files_for_people_stand_under_plain_keys(store: SnapshotStore, objects: RecordingStore, tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text("epoch\n1\n")
    addresses = store.publish({"traffic-signs/run/results.csv": tmp_path / "results.csv"})
    assert objects.inner.read("traffic-signs/run/results.csv") == b"epoch\n1\n"
    assert addresses["traffic-signs/run/results.csv"].endswith("traffic-signs/run/results.csv")


def test_loading_from_disk_costs_no_disk(tmp_path: Path) -> None:
    store = SnapshotStore(LocalObjectStore(tmp_path / "store"), tmp_path / "cache")
    store.save("asset", "run-1", write_folder(tmp_path / "folder"))
    store.load(store.find("asset"), tmp_path / "loaded")
    assert os.stat(tmp_path / "loaded" / "images" / "0.bin").st_nlink == 2


def test_a_download_that_arrives_damaged_is_refused_by_name(
    s3_server: object, bucket: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    objects = S3ObjectStore(request.getfixturevalue("s3_server").client(), bucket)
    store = SnapshotStore(objects, tmp_path / "cache")
    snapshot = store.save("asset", "run-1", write_folder(tmp_path / "folder", 1))
    (blob,) = (item.key for item in objects.list_objects("blobs/"))
    objects.write(blob, b"something else")
    with pytest.raises(OSError, match=f"{blob} is damaged: its SHA-256 is [0-9a-f]{{64}}, expected {Path(blob).name}"):
        SnapshotStore(objects, tmp_path / "another machine's cache").load(snapshot, tmp_path / "loaded")
    assert not [left for left in (tmp_path / "another machine's cache").rglob("*") if left.is_file()]


@pytest.fixture(params=[0o022, 0o002, 0o027, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_the_umask_decides_who_may_read_what_lies_in_a_store_on_disk(umask: int, tmp_path: Path) -> None:
    """A colleague who sees a pointer can also read what it points to, and what people download."""
    folder = write_folder(tmp_path / "folder")
    (folder / "images" / "0.bin").chmod(0o600)
    disk = SnapshotStore(LocalObjectStore(tmp_path / "store"), tmp_path / "cache", "prefix/")
    disk.save("asset", "run-1", folder)
    disk.publish(
        {"traffic-signs/run-1/report.html": folder / "images" / "0.bin", "results.csv": folder / "images/1.bin"}
    )
    written = [*(tmp_path / "store").rglob("*")]
    assert {file.relative_to(tmp_path / "store").parts[0] for file in written} == {
        "prefix",
        "traffic-signs",
        "results.csv",
    }
    for file in written:
        assert file.stat().st_mode & 0o777 == (0o777 if file.is_dir() else 0o666) & ~umask, file
