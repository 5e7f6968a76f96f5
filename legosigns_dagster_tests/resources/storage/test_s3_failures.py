"""After a short failure of the server a request is sent again. A lasting one is an error. Nothing is stored in part."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from legosigns_dagster.core.files import index_folder
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster.resources.storage.s3_errors import S3Error
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster_tests.support.builders import write_folder
from legosigns_dagster_tests.support.faulty_proxy import FaultyProxy, faulty_proxy
from legosigns_dagster_tests.support.servers import S3Server

LARGE = 9 * 2**20  # goes in parts
FAULTS = ["500", "cut", "cut_upload", "hang", "slow"]


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_server.endpoint) as proxy:
        yield proxy


@pytest.fixture(params=["obstore first", "botocore alone"])
def objects(request: pytest.FixtureRequest, s3_server: S3Server, proxy: FaultyProxy, bucket: str) -> S3ObjectStore:
    both = connect(s3_server, proxy, bucket)
    return both if request.param == "obstore first" else S3ObjectStore(both.client, bucket)


def connect(server: S3Server, proxy: FaultyProxy, bucket: str, attempts: int = 5) -> S3ObjectStore:
    s3 = S3(endpoint_url=proxy.endpoint, aws_access_key_id=server.access_key, region_name="us-east-1",
            aws_secret_access_key=server.secret_key, read_timeout_s=2, max_attempts=attempts)  # fmt: skip
    return s3.objects(bucket)


def carries_content(method: str, path: str) -> bool:
    return method in ("GET", "PUT", "POST") and "list-type" not in path


@pytest.mark.parametrize("fault", FAULTS)
def test_a_folder_is_saved_and_loaded_although_the_server_fails_for_a_while(
    fault: str, objects: S3ObjectStore, proxy: FaultyProxy, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "folder", 6)
    (folder / "large.bin").write_bytes(bytes(range(256)) * (LARGE // 256))
    store = SnapshotStore(objects, tmp_path / "cache")
    proxy.fault, proxy.times, proxy.only = fault, 3, carries_content
    snapshot = store.save("asset", "run", folder)
    proxy.times = 3
    there = SnapshotStore(objects, tmp_path / "another machine's cache")
    there.load(there.find("asset"), tmp_path / "loaded")
    assert proxy.times == 0
    assert index_folder(tmp_path / "loaded") == snapshot.files == index_folder(folder)


@pytest.mark.parametrize("fault", ["500", "cut_upload", "hang"])
def test_a_server_that_stays_down_leaves_the_version_before_whole(
    fault: str, s3_server: S3Server, proxy: FaultyProxy, bucket: str, tmp_path: Path
) -> None:
    objects = connect(s3_server, proxy, bucket, attempts=2)
    store = SnapshotStore(objects, tmp_path / "cache")
    folder = write_folder(tmp_path / "folder", 6)
    before = store.save("asset", "run-1", folder)
    (folder / "new.bin").write_bytes(b"new" * 1000)
    (folder / "large.bin").write_bytes(bytes(LARGE))
    proxy.fault, proxy.times, proxy.only = fault, 1000, lambda method, path: method != "DELETE"
    began = time.monotonic()
    with pytest.raises(S3Error, match="AWS_S3_ENDPOINT"):
        store.save("asset", "run-2", folder)
    assert time.monotonic() - began < 60
    proxy.times = 0
    assert store.find("asset") == before
    assert {item.size for item in objects.list_objects("blobs/")} == {100}


@pytest.mark.parametrize("size", [1000, LARGE])
def test_a_download_that_always_breaks_off_leaves_no_file(
    size: int, s3_server: S3Server, proxy: FaultyProxy, bucket: str, tmp_path: Path
) -> None:
    objects = connect(s3_server, proxy, bucket, attempts=2)
    objects.client.put_object(Bucket=bucket, Key="key", Body=bytes(size))
    proxy.fault, proxy.times, proxy.only = "cut", 1000, lambda method, path: method == "GET"
    with pytest.raises(S3Error, match="broke off.*AWS_S3_ENDPOINT"):
        objects.download("key", tmp_path / "into" / "file", size)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


def test_a_file_that_was_uploaded_in_part_is_not_there(
    s3_server: S3Server, proxy: FaultyProxy, bucket: str, tmp_path: Path
) -> None:
    objects = connect(s3_server, proxy, bucket, attempts=1)
    proxy.fault, proxy.times, proxy.only = "cut_upload", 1000, lambda method, path: method == "PUT"
    (tmp_path / "large.bin").write_bytes(bytes(LARGE))
    with pytest.raises(S3Error):
        objects.upload(tmp_path / "large.bin", "key")
    assert list(objects.list_objects("")) == []
