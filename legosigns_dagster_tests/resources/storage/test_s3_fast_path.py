"""The fast path for small objects is used, with a private TLS authority too, and disables itself after one failure."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import trustme

from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster.resources.storage.s3_fast_path import S3FastPath
from legosigns_dagster_tests.support.faulty_proxy import FaultyProxy, faulty_proxy
from legosigns_dagster_tests.support.served_models import Reply, small_server
from legosigns_dagster_tests.support.servers import S3Server


@pytest.fixture(params=["http", "https"])
def proxy(
    request: pytest.FixtureRequest, s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FaultyProxy]:
    if request.param == "http":
        with faulty_proxy(s3_server.endpoint) as proxy:
            yield proxy
        return
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with faulty_proxy(s3_server.endpoint, authority.issue_cert("localhost")) as proxy:
        yield proxy


@pytest.fixture
def fast_path(s3_server: S3Server, proxy: FaultyProxy, bucket: str) -> S3FastPath:
    return connect(s3_server, proxy, bucket)


def connect(server: S3Server, proxy: FaultyProxy, bucket: str, secret: str | None = None) -> S3FastPath:
    s3 = S3(endpoint_url=proxy.endpoint, aws_access_key_id=server.access_key, region_name="us-east-1",
            aws_secret_access_key=secret or server.secret_key, read_timeout_s=2)  # fmt: skip
    return s3.objects(bucket).fast_path


def test_small_objects_are_written_read_and_listed(fast_path: S3FastPath) -> None:
    assert fast_path.put("folder/b", b"bee")
    assert fast_path.put("folder/a", b"")
    assert (fast_path.get("folder/b"), fast_path.get("folder/a")) == (b"bee", b"")
    assert (fast_path.exists("folder/b"), fast_path.exists("folder/c")) == (True, False)
    assert fast_path.keys("folder/", most=10) == ["folder/a", "folder/b"]
    assert fast_path.keys("folder/", most=1) == ["folder/a"]
    assert fast_path.keys("empty/", most=1) == []


def test_an_object_that_is_not_there_is_no_failure(fast_path: S3FastPath) -> None:
    assert fast_path.get("no/such") is None
    assert fast_path.put("key", b"content")


@pytest.mark.parametrize("fault", ["500", "hang"])
def test_after_one_failure_no_more_requests_are_sent(fast_path: S3FastPath, proxy: FaultyProxy, fault: str) -> None:
    proxy.fault, proxy.times = fault, 1
    assert not fast_path.put("key", b"content")
    sent = len(proxy.requests)
    assert not fast_path.put("key", b"content")
    assert [fast_path.get("key"), fast_path.exists("key"), fast_path.keys("folder/", most=1)] == [None, None, None]
    assert len(proxy.requests) == sent == 1


def test_a_key_that_is_refused_is_left_to_whoever_can_explain_it(
    s3_server: S3Server, proxy: FaultyProxy, bucket: str
) -> None:
    assert not connect(s3_server, proxy, bucket, secret="another's").put("key", b"content")


def test_a_server_of_an_unknown_authority_is_not_trusted(
    s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with faulty_proxy(s3_server.endpoint, trustme.CA().issue_cert("localhost")) as proxy:
        assert not connect(s3_server, proxy, bucket).put("key", b"content")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/no/such/file")
    assert not connect(s3_server, proxy, bucket).put("key", b"content")


@pytest.mark.parametrize(("verify", "client"), [(None, "object_store"), (False, "Boto3")])
def test_the_fast_path_is_not_used_where_certificates_are_not_verified(verify: bool | None, client: str) -> None:
    """It would verify them."""
    clients: list[str] = []

    def respond(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        clients.append({name.lower(): value for name, value in headers.items()}["user-agent"].partition("/")[0])
        return 200, {"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "ETag": '"1"'}, b"content"

    with small_server(respond) as server:
        s3 = S3(endpoint_url=server.url, aws_access_key_id="somebody", aws_secret_access_key="secret",
                region_name="us-east-1", verify=verify)  # fmt: skip
        for _ in range(2):
            assert s3.objects("bucket").read("folder/key") == b"content"
    assert clients == [client] * 2
