"""One contract for folders, whatever keeps the objects."""

import os
from pathlib import Path

import pytest

from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.resources.storage.object_store import LocalObjectStore, ObjectStore
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster.resources.storage.snapshot_store import FolderStore
from legosigns_dagster_tests.support.builders import write_folder


class Recording:
    """An object store that passes everything on, counts uploads, and dies before a chosen write."""

    def __init__(self, inner: ObjectStore) -> None:
        self.inner, self.uploaded, self.written, self.dies_at = inner, [], [], ""

    uploaded: list[str]
    written: list[str]

    def upload(self, file: Path, key: str) -> None:
        self._maybe_die(key)
        self.uploaded.append(key)
        self.inner.upload(file, key)

    def write(self, key: str, content: bytes) -> None:
        self._maybe_die(key)
        self.written.append(key)
        self.inner.write(key, content)

    def _maybe_die(self, key: str) -> None:
        if self.dies_at and self.dies_at in key:
            raise ConnectionError(f"killed before {key}")

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


@pytest.fixture(params=["local", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Recording:
    if request.param == "local":
        return Recording(LocalObjectStore(tmp_path / "store"))
    server, bucket = request.getfixturevalue("s3_server"), request.getfixturevalue("bucket")
    return Recording(S3ObjectStore(server.client(), bucket))


@pytest.fixture
def store(objects: Recording, tmp_path: Path) -> FolderStore:
    return FolderStore(objects, tmp_path / "cache", "prefix/")  # type: ignore[arg-type]


def test_a_folder_comes_back_as_it_was(store: FolderStore, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    snapshot = store.save("asset", "run-1", folder)
    store.load(store.snapshot("asset"), tmp_path / "loaded")
    assert index_folder(tmp_path / "loaded") == index_folder(folder)
    assert snapshot.digest == folder_digest(index_folder(folder))


def test_only_changed_files_are_uploaded(store: FolderStore, objects: Recording, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    store.save("asset", "run-1", folder)
    objects.uploaded.clear()
    (folder / "images" / "3.bin").write_bytes(b"changed")
    store.save("asset", "run-2", folder)
    assert len(objects.uploaded) == 1


def test_equal_content_is_stored_once_for_all_assets(store: FolderStore, objects: Recording, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    store.save("one", "run-1", folder)
    objects.uploaded.clear()
    store.save("other", "run-1", folder)
    assert objects.uploaded == []


def test_an_older_version_stays_readable(store: FolderStore, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder")
    before = index_folder(folder)
    store.save("asset", "run-1", folder)
    (folder / "images" / "0.bin").write_bytes(b"changed")
    store.save("asset", "run-2", folder)
    store.load(store.snapshot("asset", "run-1"), tmp_path / "old")
    assert index_folder(tmp_path / "old") == before


@pytest.mark.parametrize("moment", ["blobs/", "snapshots/asset/run-2", "current/"])
def test_a_writer_killed_at_any_point_leaves_the_version_before(
    store: FolderStore, objects: Recording, tmp_path: Path, moment: str
) -> None:
    folder = write_folder(tmp_path / "folder")
    before = store.save("asset", "run-1", folder)
    (folder / "images" / "new.bin").write_bytes(b"new")
    objects.dies_at = moment
    with pytest.raises(ConnectionError):
        store.save("asset", "run-2", folder)
    store.load(store.snapshot("asset"), tmp_path / "loaded")
    assert store.snapshot("asset") == before
    assert index_folder(tmp_path / "loaded") == before.files


def test_what_was_never_made_says_what_to_materialize(store: FolderStore) -> None:
    with pytest.raises(FileNotFoundError, match="no version of asset.*materialize asset first"):
        store.snapshot("asset")


def test_files_for_people_stand_under_plain_keys(store: FolderStore, objects: Recording, tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text("epoch\n1\n")
    addresses = store.publish({"traffic-signs/run/results.csv": tmp_path / "results.csv"})
    assert objects.inner.read("traffic-signs/run/results.csv") == b"epoch\n1\n"
    assert addresses["traffic-signs/run/results.csv"].endswith("traffic-signs/run/results.csv")


def test_loading_from_disk_costs_no_disk(tmp_path: Path) -> None:
    store = FolderStore(LocalObjectStore(tmp_path / "store"), tmp_path / "cache")
    store.save("asset", "run-1", write_folder(tmp_path / "folder"))
    store.load(store.snapshot("asset"), tmp_path / "loaded")
    assert os.stat(tmp_path / "loaded" / "images" / "0.bin").st_nlink == 2


def test_a_download_that_arrives_damaged_is_refused_by_name(
    s3_server: object, bucket: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    objects = S3ObjectStore(request.getfixturevalue("s3_server").client(), bucket)
    store = FolderStore(objects, tmp_path / "cache")
    snapshot = store.save("asset", "run-1", write_folder(tmp_path / "folder", 1))
    (blob,) = (one.key for one in objects.stored("blobs/"))
    objects.write(blob, b"something else")
    with pytest.raises(OSError, match=f"{blob} is damaged"):
        FolderStore(objects, tmp_path / "another machine's cache").load(snapshot, tmp_path / "loaded")
    assert not [left for left in (tmp_path / "another machine's cache").rglob("*") if left.is_file()]
