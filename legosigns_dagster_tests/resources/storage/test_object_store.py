"""One contract for every object store: the local disk, and a real S3 server with and without the fast path."""

from pathlib import Path

import pytest

from legosigns_dagster.resources.storage.object_store import LocalObjectStore, ObjectStore
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore


@pytest.fixture(params=["local", "s3", "s3 by botocore alone"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "local":
        return LocalObjectStore(tmp_path / "store")
    server, bucket = request.getfixturevalue("s3_server"), request.getfixturevalue("bucket")
    if request.param == "s3 by botocore alone":
        return S3ObjectStore(server.client(), bucket)
    s3 = S3(endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id=server.access_key,
            aws_secret_access_key=server.secret_key)  # fmt: skip
    return s3.objects(bucket)


def test_what_is_uploaded_comes_back(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content" * 1000)
    store.upload(tmp_path / "file", "deep/er/key")
    store.download("deep/er/key", tmp_path / "new folder" / "copy")
    assert (tmp_path / "new folder" / "copy").read_bytes() == b"content" * 1000


def test_a_key_is_taken_as_it_is(store: ObjectStore, tmp_path: Path) -> None:
    keys = ["a b/ü ß.bin", "100 %/a%20b", "plus+and&=", "~tilde'quote"]
    for key in keys:
        (tmp_path / "file").write_text(key, encoding="utf-8")
        store.upload(tmp_path / "file", key)
    assert [item.key for item in store.list_objects("")] == sorted(keys)
    for key in keys:
        store.download(key, tmp_path / "copy", len(key.encode()))
        assert (tmp_path / "copy").read_text(encoding="utf-8") == key
    assert store.existing_keys("", [*keys, "a b/u"]) == set(keys)


def test_what_is_written_is_read_and_the_last_one_counts(store: ObjectStore) -> None:
    store.write("key", b"one")
    store.write("key", b"two")
    assert store.read("key") == b"two"


def test_a_missing_key_is_named(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no/such"):
        store.read("no/such")
    with pytest.raises(FileNotFoundError, match="no/such"):
        store.download("no/such", tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_only_the_whole_key_exists(store: ObjectStore) -> None:
    store.write("folder/key", b"")
    assert store.existing_keys("folder", ["folder/key", "folder", "folder/ke"]) == {"folder/key"}


def test_keys_are_listed_by_prefix_in_order(store: ObjectStore) -> None:
    for key in ("b/2", "a/1", "b/1", "bb"):
        store.write(key, b"x")
    assert [item.key for item in store.list_objects("b/")] == ["b/1", "b/2"]
    assert [item.key for item in store.list_objects("")] == ["a/1", "b/1", "b/2", "bb"]


def test_more_keys_than_one_page_are_all_listed(store: ObjectStore) -> None:
    for number in range(1005):
        store.write(f"many/{number:04d}", b"x")
    assert len([item.key for item in store.list_objects("many/")]) == 1005
