"""One contract for every object store: the local disk, and a real S3 server with and without the fast path.

No server from before 2025 can be had. A proxy in front of the real one refuses what they refuse.
"""

import filecmp
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from legosigns_dagster.resources.storage.object_store import SMALL_OBJECT, LocalObjectStore, ObjectStore
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster_tests.support.faulty_proxy import faulty_proxy

KINDS = ["local", "s3", "s3 by botocore alone", "s3 from before 2025", "s3 from before 2025 by botocore alone"]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    if request.param == "local":
        yield LocalObjectStore(tmp_path / "store")
        return
    server, bucket = request.getfixturevalue("s3_server"), request.getfixturevalue("bucket")
    with faulty_proxy(server.endpoint) as proxy:
        proxy.is_old = True
        s3 = S3(endpoint_url=proxy.endpoint if "2025" in request.param else server.endpoint, region_name="us-east-1",
                aws_access_key_id=server.access_key, aws_secret_access_key=server.secret_key)  # fmt: skip
        yield S3ObjectStore(s3.get_client(), bucket) if "botocore" in request.param else s3.objects(bucket)


def test_what_is_uploaded_comes_back(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content" * 1000)
    store.upload(tmp_path / "file", "deep/er/key")
    store.download("deep/er/key", tmp_path / "new folder" / "copy")
    assert (tmp_path / "new folder" / "copy").read_bytes() == b"content" * 1000


def test_a_large_file_that_goes_in_parts_comes_back(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(range(256)) * (17 * 2**12))  # 17 MiB
    store.upload(tmp_path / "file", "large")
    store.download("large", tmp_path / "copy")
    assert filecmp.cmp(tmp_path / "file", tmp_path / "copy", shallow=False)


def test_what_is_deleted_is_gone_and_what_is_not_there_is_no_error(store: ObjectStore) -> None:
    keys = ["one", "two ü&<b>.bin", "three"]
    for key in keys:
        store.write(key, b"x")
    store.delete([*keys[:2], "never there"])
    assert [item.key for item in store.list_objects("")] == ["three"]


def test_a_key_is_taken_as_it_is(store: ObjectStore, tmp_path: Path) -> None:
    keys = ["a b/ü ß.bin", "100 %/a%20b", "plus+and&=", "~tilde'quote", "best.pt", "best.pt#2", "best.pt?versionId=3",
            "a^b`c{d}|e", '<a>"b"*[c]', "%23", "%2F", "50%"]  # fmt: skip
    for key in keys:
        (tmp_path / "file").write_text(key, encoding="utf-8")
        store.upload(tmp_path / "file", key)
    assert [item.key for item in store.list_objects("")] == sorted(keys)
    for key in keys:
        store.download(key, tmp_path / "copy", len(key.encode()))
        assert (tmp_path / "copy").read_text(encoding="utf-8") == key
    assert store.existing_keys("", [*keys, "a b/u"]) == set(keys)


def head(store: ObjectStore, key: str) -> str:
    """The content type of an object in S3, as a browser is told."""
    assert isinstance(store, S3ObjectStore)
    return store.client.head_object(Bucket=store.bucket, Key=key)["ContentType"]


@pytest.mark.parametrize("store", ["s3", "s3 by botocore alone"], indirect=True)
@pytest.mark.parametrize("size", [100, SMALL_OBJECT + 1], ids=["small", "large"])
def test_what_people_open_has_its_type_and_charset(store: ObjectStore, size: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(size))
    types = {
        "comparison.html": "text/html; charset=utf-8",
        "metrics.json": "application/json; charset=utf-8",
        "results.csv": "text/csv; charset=utf-8",
        "best.pt": "application/octet-stream",
        "model.onnx": "application/octet-stream",
        "picture.PNG": "image/png",
    }
    for name in types:
        store.upload(tmp_path / "file", f"traffic-signs/run/{name}")
    assert {name: head(store, f"traffic-signs/run/{name}") for name in types} == types


@pytest.mark.parametrize("store", ["s3", "s3 by botocore alone"], indirect=True)
def test_a_key_with_an_empty_part_is_not_another_key(store: ObjectStore) -> None:
    """The library of the fast path drops a slash at an end of a key, and refuses one in the middle."""
    store.write("best.pt", b"ours")
    for key in ("best.pt/", "folder//best.pt"):
        with suppress(OSError):  # SeaweedFS may refuse such keys
            store.write(key, b"another's")
        store.existing_keys("", [key])
        assert store.read("best.pt") == b"ours"


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
    asked = [f"many/{number:04d}" for number in range(895, 1010)]  # more than are looked up one by one
    assert store.existing_keys("many/", asked) == set(asked[:-5])
