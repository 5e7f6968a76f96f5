"""The quick way for small objects is really taken, over TLS of a private authority too, and given up at one failure."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster.resources.storage.s3_fast_path import QuickS3
from legosigns_dagster_tests.support.faulty_proxy import Proxy, misbehaving
from legosigns_dagster_tests.support.servers import S3Server


@pytest.fixture(params=["http", "https"])
def proxy(
    request: pytest.FixtureRequest, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Proxy]:
    if request.param == "http":
        with misbehaving(s3_server.endpoint) as proxy:
            yield proxy
        return
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with misbehaving(s3_server.endpoint, authority.issue_cert("localhost")) as proxy:
        yield proxy


@pytest.fixture
def quick(s3_server: S3Server, proxy: Proxy, bucket: str) -> QuickS3:
    return made(s3_server, proxy, bucket)


def made(server: S3Server, proxy: Proxy, bucket: str, secret: str | None = None) -> QuickS3:
    s3 = S3(endpoint_url=proxy.endpoint, aws_access_key_id=server.access_key, region_name="us-east-1",
            aws_secret_access_key=secret or server.secret_key, read_timeout_s=2)  # fmt: skip
    return s3.objects(bucket).quick


def test_small_objects_are_written_read_and_listed(quick: QuickS3) -> None:
    assert quick.put("folder/b", b"bee")
    assert quick.put("folder/a", b"")
    assert (quick.get("folder/b"), quick.get("folder/a")) == (b"bee", b"")
    assert (quick.exists("folder/b"), quick.exists("folder/c")) == (True, False)
    assert quick.keys("folder/", most=10) == ["folder/a", "folder/b"]
    assert quick.keys("folder/", most=1) == ["folder/a"]
    assert quick.keys("empty/", most=1) == []


def test_an_object_that_is_not_there_is_no_failure(quick: QuickS3) -> None:
    assert quick.get("no/such") is None
    assert quick.put("key", b"content")


@pytest.mark.parametrize("misdeed", ["500", "hang"])
def test_after_one_failure_nothing_more_is_asked(quick: QuickS3, proxy: Proxy, misdeed: str) -> None:
    proxy.misbehave, proxy.times = misdeed, 1
    assert not quick.put("key", b"content")
    asked = len(proxy.seen)
    assert not quick.put("key", b"content")
    assert [quick.get("key"), quick.exists("key"), quick.keys("folder/", most=1)] == [None, None, None]
    assert len(proxy.seen) == asked == 1


def test_a_key_that_is_refused_is_left_to_whoever_can_explain_it(
    s3_server: S3Server, proxy: Proxy, bucket: str
) -> None:
    assert not made(s3_server, proxy, bucket, secret="another's").put("key", b"content")


def test_a_server_of_an_unknown_authority_is_not_trusted(
    s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with misbehaving(s3_server.endpoint, trustme.CA().issue_cert("localhost")) as proxy:
        assert not made(s3_server, proxy, bucket).put("key", b"content")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/no/such/file")
    assert not made(s3_server, proxy, bucket).put("key", b"content")
