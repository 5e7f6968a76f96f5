"""On a full disk an error says how much is needed where, and nothing in part stays behind."""

import errno
import os
import time
from pathlib import Path

import pytest

from legosigns_dagster.core.files import is_disk_full
from legosigns_dagster.resources.storage.garbage_collection import GarbageCollector
from legosigns_dagster.resources.storage.object_store import LocalObjectStore
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster_tests.support.full_disk import largest_file
from legosigns_dagster_tests.support.servers import S3Server

DAY_S = 24 * 3600.0
NO_SPACE = r"no space is left in .*store: \d+ MB are free, about 3 MB are needed.*legosigns prune.*LEGOSIGNS_STORE"


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path / "store")


def test_a_file_that_does_not_fit_is_an_error_and_leaves_nothing(objects: LocalObjectStore, tmp_path: Path) -> None:
    objects.write("before", b"whole")
    (tmp_path / "file").write_bytes(bytes(3_000_000))
    with largest_file(1_000_000):
        with pytest.raises(OSError, match=NO_SPACE):
            objects.upload(tmp_path / "file", "folder/key")
        with pytest.raises(OSError, match=NO_SPACE):
            objects.write("key", bytes(3_000_000))
    assert [file.name for file in objects.folder.rglob("*") if file.is_file()] == ["before"]


def test_a_save_that_does_not_fit_leaves_the_version_before(objects: LocalObjectStore, tmp_path: Path) -> None:
    store, folder = SnapshotStore(objects, tmp_path / "cache", "legosigns/"), tmp_path / "folder"
    folder.mkdir()
    (folder / "small").write_bytes(b"small")
    before = store.save("asset", "run-1", folder)
    (folder / "large").write_bytes(bytes(3_000_000))
    with largest_file(1_000_000), pytest.raises(OSError, match=NO_SPACE):
        store.save("asset", "run-2", folder)
    assert store.find("asset") == before


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG], ids=errno.errorcode.get)
def test_a_full_disk_is_recognized_behind_other_errors(number: int) -> None:
    error = RuntimeError("it did not work")
    error.__cause__ = OSError(number, os.strerror(number))
    assert is_disk_full(error)


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "no"), RuntimeError("loss is nan"), ValueError("28")])
def test_no_other_error_is_taken_for_a_full_disk(error: Exception) -> None:
    assert not is_disk_full(error)


def test_what_an_upload_left_that_was_killed_is_listed_and_deleted_once_it_is_old(
    objects: LocalObjectStore, tmp_path: Path
) -> None:
    store = SnapshotStore(objects, tmp_path / "cache", "legosigns/")
    left = [objects.folder / key for key in ("legosigns/blobs/aa/.x1.partial", "traffic-signs/run/.best.pt.7.partial")]
    theirs = [objects.folder / "traffic-signs/run/holiday.partial", objects.folder / "video/.film.partial"]
    for file in (*left, *theirs):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(1_000_000))
    collector = GarbageCollector(store, keep_runs=1, min_age_s=3600)
    assert collector.plan().partial == ()
    assert collector.collect(time.time() + 2 * DAY_S).summary().startswith(
        "0 old versions, 0 blobs, 2 leftovers of killed runs: 2.0 MB"
    )  # fmt: skip
    assert [file.exists() for file in (*left, *theirs)] == [False, False, True, True]


def test_the_parts_of_a_large_upload_that_was_killed_are_listed_and_deleted_once_it_is_old(
    s3_server: S3Server, bucket: str, tmp_path: Path
) -> None:
    s3 = S3(endpoint_url=s3_server.endpoint, region_name="us-east-1", aws_access_key_id=s3_server.access_key,
            aws_secret_access_key=s3_server.secret_key)  # fmt: skip
    client = s3.get_client()
    for key in ("legosigns/blobs/aa/large", "somebody/else"):
        upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        client.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=b"part")
    store = SnapshotStore(s3.objects(bucket), tmp_path / "cache", "legosigns/")
    collector = GarbageCollector(store, keep_runs=1, min_age_s=3600)
    assert collector.plan().partial == ()
    (item,) = collector.collect(time.time() + 2 * DAY_S).partial
    assert item.key == "legosigns/blobs/aa/large"
    assert [one["Key"] for one in client.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["somebody/else"]
