"""One contract for every object store: the local disk, and a real S3 server with and without the fast path.

No server from before 2025 can be had. A proxy in front of the real one refuses what they refuse.
"""

import filecmp
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from legosigns_dagster.resources.storage.object_store import (
    SMALL_OBJECT,
    ChangedMeanwhileError,
    LocalObjectStore,
    ObjectStore,
)
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster.resources.storage.s3_errors import S3Error
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster_tests.support.faulty_proxy import faulty_proxy
from legosigns_dagster_tests.support.servers import S3Server

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
        "raw_annotations.zip": "application/zip",
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


def test_an_object_is_created_once(store: ObjectStore) -> None:
    store.create("releases/1/claim.json", b"first")
    with pytest.raises(FileExistsError, match=r"releases/1/claim.json exists already"):
        store.create("releases/1/claim.json", b"second")
    assert store.read("releases/1/claim.json") == b"first"


def test_of_many_that_create_an_object_at_once_one_succeeds(store: ObjectStore) -> None:
    def create(number: int) -> bool:
        with suppress(FileExistsError):
            store.create("claim", str(number).encode())
            return True
        return False

    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(create, range(8)))
    assert created.count(True) == 1
    assert store.read("claim") == str(created.index(True)).encode()


def test_an_object_is_replaced_only_by_who_has_read_it(store: ObjectStore) -> None:
    store.write("pointer", b"one")
    store.replace("pointer", b"two", expected=b"one")
    with pytest.raises(ChangedMeanwhileError, match="pointer was changed by somebody else"):
        store.replace("pointer", b"three", expected=b"one")
    assert store.read("pointer") == b"two"
    with pytest.raises(ChangedMeanwhileError, match="absent"):
        store.replace("absent", b"three", expected=b"one")
    assert store.existing_keys("", ["absent"]) == set()


def test_of_many_that_replace_an_object_at_once_one_succeeds(store: ObjectStore) -> None:
    store.write("pointer", b"before")

    def replace(number: int) -> bool:
        with suppress(ChangedMeanwhileError):
            store.replace("pointer", str(number).encode(), expected=b"before")
            return True
        return False

    with ThreadPoolExecutor(8) as pool:
        replaced = list(pool.map(replace, range(8)))
    assert replaced.count(True) == 1
    assert store.read("pointer") == str(replaced.index(True)).encode()


def test_a_copy_has_the_bytes_and_says_what_it_is_a_copy_of(store: ObjectStore) -> None:
    store.write("releases/1/ü 1.onnx", b"the first")
    store.write("releases/2/model.onnx", b"the second")
    store.write("models/model.onnx", b"of a training")
    assert not store.is_copy("releases/1/ü 1.onnx", "models/model.onnx")
    assert not store.is_copy("releases/1/ü 1.onnx", "models/absent.onnx")
    for _ in range(2):
        store.copy("releases/1/ü 1.onnx", "models/model.onnx")
        assert store.read("models/model.onnx") == b"the first"
        assert store.is_copy("releases/1/ü 1.onnx", "models/model.onnx")
        assert not store.is_copy("releases/2/model.onnx", "models/model.onnx")
    store.write("models/model.onnx", b"of a training")
    assert not store.is_copy("releases/1/ü 1.onnx", "models/model.onnx")
    assert store.read("releases/1/ü 1.onnx") == b"the first", "what is copied does not change with its copy"
    assert list(store.partial_objects("")) == []
    with pytest.raises(FileNotFoundError, match="absent"):
        store.copy("absent", "models/model.onnx")


def test_a_store_with_conditional_writes_is_known_and_left_as_it_was(store: ObjectStore) -> None:
    store.require_conditional_writes()
    assert list(store.list_objects("")) == []


def test_a_server_that_ignores_the_conditions_of_a_write_is_refused(s3_server: S3Server, bucket: str) -> None:
    """The proxy answers for it that every write was done: such a server cannot be had."""
    with faulty_proxy(s3_server.endpoint) as proxy:
        proxy.fault, proxy.times, proxy.only = (200, {"ETag": '"1"'}, b""), 3, lambda method, _: method == "PUT"
        s3 = S3(endpoint_url=proxy.endpoint, region_name="us-east-1", aws_access_key_id=s3_server.access_key,
                aws_secret_access_key=s3_server.secret_key)  # fmt: skip
        with pytest.raises(S3Error, match="ignores If-None-Match and If-Match at a write, so that two releases at"):
            s3.objects(bucket).require_conditional_writes()
        assert list(s3.objects(bucket).list_objects("")) == []


def test_a_write_with_a_condition_whose_answer_was_lost_counts(s3_server: S3Server, bucket: str) -> None:
    """The client sends it again, and the server then refuses it: the object is there."""
    with faulty_proxy(s3_server.endpoint) as proxy:
        s3 = S3(endpoint_url=proxy.endpoint, region_name="us-east-1", aws_access_key_id=s3_server.access_key,
                aws_secret_access_key=s3_server.secret_key)  # fmt: skip
        objects = s3.objects(bucket)
        proxy.fault, proxy.times, proxy.only = "lost_answer", 1, lambda method, _: method == "PUT"
        objects.create("claim", b"ours")
        assert (proxy.times, objects.read("claim")) == (0, b"ours")
        proxy.times = 1
        objects.replace("claim", b"ours again", expected=b"ours")
        assert (proxy.times, objects.read("claim")) == (0, b"ours again")
