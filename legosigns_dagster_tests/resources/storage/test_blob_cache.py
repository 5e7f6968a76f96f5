"""What is in the cache is neither downloaded nor hashed again. A file that somebody changed is not taken from it."""

import os
from pathlib import Path

import pytest

from legosigns_dagster.core.files import index_folder
from legosigns_dagster.resources.storage.blob_cache import BlobCache
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster_tests.support.builders import write_folder
from legosigns_dagster_tests.support.servers import S3Server

IMAGE = Path("images", "3.bin")


@pytest.fixture
def objects(s3_server: S3Server, bucket: str) -> S3ObjectStore:
    return S3ObjectStore(s3_server.client(), bucket)


@pytest.fixture
def store(objects: S3ObjectStore, tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(objects, tmp_path / "cache")


@pytest.fixture
def another_machine(objects: S3ObjectStore, tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(objects, tmp_path / "another machine's cache")


def delete_blobs(objects: S3ObjectStore) -> None:
    objects.delete([item.key for item in objects.list_objects("blobs/")])


def test_what_was_downloaded_once_is_not_downloaded_again(
    store: SnapshotStore, another_machine: SnapshotStore, objects: S3ObjectStore, tmp_path: Path
) -> None:
    snapshot = store.save("asset", "run-1", write_folder(tmp_path / "folder"))
    another_machine.load(snapshot, tmp_path / "first")
    delete_blobs(objects)
    another_machine.load(snapshot, tmp_path / "second")
    assert index_folder(tmp_path / "second") == snapshot.files


def test_what_was_saved_here_is_not_downloaded(store: SnapshotStore, objects: S3ObjectStore, tmp_path: Path) -> None:
    snapshot = store.save("asset", "run-1", write_folder(tmp_path / "folder"))
    delete_blobs(objects)
    store.load(snapshot, tmp_path / "loaded")
    assert index_folder(tmp_path / "loaded") == snapshot.files


@pytest.mark.parametrize("folder", ["folder", "loaded"])
def test_a_file_that_somebody_writes_into_is_downloaded_again(
    store: SnapshotStore, tmp_path: Path, folder: str
) -> None:
    snapshot = store.save("asset", "run-1", write_folder(tmp_path / "folder"))
    store.load(snapshot, tmp_path / "loaded")
    (tmp_path / folder / IMAGE).write_bytes(b"x" * 100)
    store.load(snapshot, tmp_path / "second")
    assert index_folder(tmp_path / "second") == snapshot.files
    assert (tmp_path / folder / IMAGE).read_bytes() == b"x" * 100


@pytest.mark.parametrize("folder", ["folder", "loaded"])
def test_a_file_that_somebody_wrote_into_is_saved_as_it_is(
    store: SnapshotStore, another_machine: SnapshotStore, tmp_path: Path, folder: str
) -> None:
    store.save("asset", "run-1", write_folder(tmp_path / "folder"))
    store.load(store.find("asset"), tmp_path / "loaded")
    (tmp_path / folder / IMAGE).write_bytes(b"x" * 100)
    saved = store.save("asset", "run-2", tmp_path / folder)
    another_machine.load(saved, tmp_path / "there")
    assert saved.files == index_folder(tmp_path / folder) == index_folder(tmp_path / "there")
    assert (tmp_path / "there" / IMAGE).read_bytes() == b"x" * 100


def test_the_hash_of_a_link_to_a_blob_is_known_without_reading_it_and_that_of_other_files_is_not(
    store: SnapshotStore, tmp_path: Path
) -> None:
    snapshot = store.save("asset", "run-1", write_folder(tmp_path / "folder"))
    store.load(snapshot, tmp_path / "loaded")
    look_up = BlobCache(tmp_path / "cache").hash_lookup()
    entries = {path: look_up(os.stat(tmp_path / "loaded" / path)) for path in snapshot.files}
    assert entries == {path: entry.sha256 for path, entry in snapshot.files.items()}
    (tmp_path / "copy").write_bytes((tmp_path / "loaded" / IMAGE).read_bytes())
    assert look_up(os.stat(tmp_path / "copy")) is None


def test_an_original_that_a_saved_folder_links_to_is_left_as_it_is(store: SnapshotStore, tmp_path: Path) -> None:
    (tmp_path / "original").write_bytes(b"somebody's")
    before = os.stat(tmp_path / "original")
    (tmp_path / "folder").mkdir()
    os.link(tmp_path / "original", tmp_path / "folder" / "link")
    store.save("asset", "run-1", tmp_path / "folder")
    after = os.stat(tmp_path / "original")
    assert (after.st_mtime_ns, after.st_nlink) == (before.st_mtime_ns, 2)
