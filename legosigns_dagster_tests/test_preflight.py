"""A wrong setting is an error before any work starts, within ten seconds, that names the variable."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import trustme

from legosigns_dagster.deployments import deployment
from legosigns_dagster.resources.inputs import Inputs
from legosigns_dagster_tests.support.builders import Note
from legosigns_dagster_tests.support.faulty_proxy import FaultyProxy, faulty_proxy
from legosigns_dagster_tests.support.servers import S3Server

TIME_LIMIT_S = 10


@pytest.fixture
def proxy(s3_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(s3_server.endpoint) as proxy:
        yield proxy


def run_with(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, selection: list[str] | None = None
) -> str:
    """The error with which a run ends whose first step is base_weights; "done" for a run that worked."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    worked: list[str] = []

    @dg.asset
    def base_weights(inputs: Inputs) -> Note:
        worked.append("yes")
        (tmp_path / "note").mkdir(exist_ok=True)
        (tmp_path / "note" / "note.txt").write_text("hello")
        return Note(tmp_path / "note")

    @dg.asset(deps=[base_weights])
    def backgrounds(inputs: Inputs) -> None:
        """Another source's."""

    began = time.monotonic()
    try:
        resources = deployment(environment).resources
        dg.materialize([base_weights, backgrounds], resources=resources, selection=selection)
    except dg.DagsterError as error:
        assert time.monotonic() - began < TIME_LIMIT_S
        assert worked == []
        return str(error.__cause__)
    return "done"


def environment_with(server: S3Server, bucket: str, **changes: str) -> dict[str, str]:
    return server.environment(bucket) | changes


def test_with_right_settings_the_run_begins(
    s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run_with(s3_server.environment(bucket), monkeypatch, tmp_path) == "done"
    assert [item["Key"] for item in s3_server.client().list_objects_v2(Bucket=bucket)["Contents"]
            if "preflight" in item["Key"] or "saving" in item["Key"]] == []  # fmt: skip


WRONG = {
    "no such bucket": ({"AWS_S3_BUCKET": "nowhere"}, "s3://nowhere.*NoSuchBucket.*correct AWS_S3_BUCKET"),
    "invalid bucket name": ({"AWS_S3_BUCKET": "No Such/Name"}, "correct AWS_S3_BUCKET"),
    "unknown key": ({"AWS_ACCESS_KEY_ID": "somebody"}, "does not know this key: correct AWS_ACCESS_KEY_ID"),
    "wrong secret": ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "correct AWS_SECRET_ACCESS_KEY"),
    "no permission to write": (
        {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "reader-secret"},
        "AccessDenied.*read and write.*AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    "endpoint without a scheme": ({"AWS_S3_ENDPOINT": "minio:9000"}, "AWS_S3_ENDPOINT is 'minio:9000', expected http"),
    "endpoint with a port that is none": ({"AWS_S3_ENDPOINT": "http://s3:port"}, "AWS_S3_ENDPOINT is .*expected http"),
    "endpoint of another protocol": ({"AWS_S3_ENDPOINT": "s3://bucket"}, "AWS_S3_ENDPOINT is .*expected https://host"),
    "endpoint with the bucket": (
        {"AWS_S3_ENDPOINT": "{endpoint}/{bucket}/"},
        "AWS_S3_ENDPOINT is 'http.*has the name of the bucket '{bucket}' in it.*expected https://host:port without it",
    ),
    "endpoint with the bucket in its name": (
        {"AWS_S3_ENDPOINT": "https://{bucket}.s3.eu-central-1.amazonaws.com"},
        "has the name of the bucket '{bucket}' in it.*expected https://host:port without it",
    ),
    "endpoint with a path that the server takes for the bucket": (
        {"AWS_S3_ENDPOINT": "{endpoint}/{bucket}/folder"},
        "has the name of the bucket '{bucket}' in it",
    ),
    "endpoint with a password": (
        {"AWS_S3_ENDPOINT": "http://me:planted@minio:9000"},
        "a user and a password in it, before 'minio:9000': remove both, and set AWS_ACCESS_KEY_ID",
    ),
    "a secret alone": (
        {"AWS_ACCESS_KEY_ID": ""},
        "AWS_SECRET_ACCESS_KEY is set, AWS_ACCESS_KEY_ID not: set both keys, or none of them",
    ),
    "a key alone": ({"AWS_SECRET_ACCESS_KEY": " "}, "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY not: set both"),
    "a profile that is not there": ({"AWS_PROFILE": "nobody"}, "nobody.*correct AWS_PROFILE, or do not set it"),
    "a region that is none": ({"AWS_DEFAULT_REGION": "eu west"}, "correct AWS_DEFAULT_REGION"),
    "endpoint of nobody": ({"AWS_S3_ENDPOINT": "http://127.0.0.1:1"}, "correct AWS_S3_ENDPOINT"),
    "no such weights": ({"BASE_WEIGHTS": "s3://{bucket}/best.pt"}, "BASE_WEIGHTS is s3://.*/best.pt: no object"),
    "weights in no bucket": ({"BASE_WEIGHTS": "s3://nowhere/best.pt"}, "s3://nowhere.*correct BASE_WEIGHTS"),
    "weights that are no file": ({"BASE_WEIGHTS": "/nowhere/best.pt"}, "BASE_WEIGHTS is /nowhere/best.pt: no such"),
}


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.replace(" ", "-"))
def test_a_wrong_setting_is_named_before_any_work(
    case: str, s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    changes, message = WRONG[case]
    parts = {"{bucket}": bucket, "{endpoint}": s3_server.endpoint}
    for part, text in parts.items():
        changes = {name: value.replace(part, text) for name, value in changes.items()}
        message = message.replace(part, text)
    error = run_with(environment_with(s3_server, bucket, **changes), monkeypatch, tmp_path)
    assert re.search(message, error), error
    assert s3_server.secret_key not in error
    assert "planted" not in error


SERVERS = {
    "expired": "ExpiredToken.*have expired: set new AWS_ACCESS_KEY_ID.*AWS_SESSION_TOKEN",
    "500": "the server failed.*AWS_S3_ENDPOINT",
    "hang": "does not answer: correct AWS_S3_ENDPOINT",
    "page": "AWS_S3_ENDPOINT",
}


@pytest.mark.parametrize("fault", SERVERS)
def test_a_server_that_cannot_be_used_is_named_before_any_work(
    fault: str, s3_server: S3Server, proxy: FaultyProxy, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proxy.fault, proxy.times = fault, 1000
    error = run_with(environment_with(s3_server, bucket, AWS_S3_ENDPOINT=proxy.endpoint), monkeypatch, tmp_path)
    assert re.search(SERVERS[fault], error), error


def xml_error(code: str, **more: str) -> bytes:
    told = "".join(f"<{name}>{text}</{name}>" for name, text in ({"Code": code, "Message": "refused"} | more).items())
    return f'<?xml version="1.0"?><Error>{told}</Error>'.encode()


# Status, headers and body of a server's answer, and what is to be said about it. Of the servers' own documentation:
# Garage and Amazon name the region, Alibaba and Tencent want the bucket in the host's name, MinIO runs full.
ANSWERS: dict[str, tuple[tuple[int, dict[str, str], bytes], str]] = {
    "wrong region, named": (
        (400, {}, xml_error("AuthorizationHeaderMalformed", Region="garage")), "set AWS_DEFAULT_REGION to garage"),
    "wrong region, named in a header": (
        (301, {"x-amz-bucket-region": "eu-west-3"}, xml_error("PermanentRedirect")),
        "set AWS_DEFAULT_REGION to eu-west-3"),
    "wrong region, not named": (
        (400, {}, xml_error("AuthorizationHeaderMalformed")), "set AWS_DEFAULT_REGION to it"),
    "http instead of https": (
        (308, {"Location": "https://s3.example.com/bucket?x=1"}, b""), "set AWS_S3_ENDPOINT to that"),
    "a clock that is wrong": (
        (403, {}, xml_error("RequestTimeTooSkewed")), "the clock of this machine is wrong"),
    "a clock that is wrong, by another name": (
        (403, {"Date": "Sat, 01 Jan 2000 00:00:00 GMT"}, xml_error("AccessDenied")), "clock of this machine is wrong"),
    "virtual hosts alone, Alibaba": (
        (403, {}, xml_error("SecondLevelDomainForbidden")), "addressing_style = virtual.*AWS_CONFIG_FILE"),
    "virtual hosts alone, Tencent": (
        (403, {}, xml_error("PathStyleDomainForbidden")), "addressing_style = virtual.*AWS_CONFIG_FILE"),
    "a full bucket": ((507, {}, xml_error("XMinioStorageFull")), "the bucket is full"),
    "a request that is not known": ((501, {}, xml_error("NotImplemented")), "does not know this kind of request"),
}  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_of_a_server_is_explained_before_any_work(
    case: str, s3_server: S3Server, proxy: FaultyProxy, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer, message = ANSWERS[case]
    proxy.fault, proxy.times = answer, 1000
    error = run_with(environment_with(s3_server, bucket, AWS_S3_ENDPOINT=proxy.endpoint), monkeypatch, tmp_path)
    assert re.search(message, error), error


def test_a_server_from_before_2025_is_written_and_read(
    s3_server: S3Server, proxy: FaultyProxy, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    proxy.is_old = True
    assert (
        run_with(environment_with(s3_server, bucket, AWS_S3_ENDPOINT=proxy.endpoint), monkeypatch, tmp_path) == "done"
    )


@pytest.mark.parametrize("around", ["{}/", "{}//", " {}\n", "{}/\n"])
def test_what_stands_around_an_endpoint_does_no_harm(
    around: str, s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = environment_with(s3_server, bucket, AWS_S3_ENDPOINT=around.format(s3_server.endpoint))
    assert run_with(environment, monkeypatch, tmp_path) == "done"
    keys = {item["Key"].split("/")[0] for item in s3_server.client().list_objects_v2(Bucket=bucket)["Contents"]}
    assert keys == {"legosigns", "traffic-signs", "note.txt"}


def test_a_proxy_of_the_environment_is_named_where_it_is_in_the_way(
    s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = environment_with(s3_server, bucket, HTTP_PROXY="http://127.0.0.1:1")
    error = run_with(environment, monkeypatch, tmp_path)
    assert "through the proxy http://127.0.0.1:1: correct HTTP_PROXY, or add 127.0.0.1 to NO_PROXY" in error
    assert run_with(environment | {"NO_PROXY": "127.0.0.1"}, monkeypatch, tmp_path) == "done"


def test_the_bucket_goes_into_the_host_s_name_where_the_file_of_aws_says_so(
    s3_server: S3Server, proxy: FaultyProxy, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\ns3 =\n  addressing_style = virtual\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    error = run_with(environment_with(s3_server, bucket, AWS_S3_ENDPOINT=proxy.endpoint), monkeypatch, tmp_path)
    assert error != "done"
    assert [request for request in proxy.requests if f"/{bucket}/" in request] == []


def test_a_bucket_is_part_of_the_path_where_the_endpoint_has_a_name(
    s3_server: S3Server, proxy: FaultyProxy, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = environment_with(s3_server, bucket, AWS_S3_ENDPOINT=proxy.endpoint)
    assert run_with(environment, monkeypatch, tmp_path) == "done"
    assert {request.split()[1].split("/")[1].split("?")[0] for request in proxy.requests} == {bucket}


def test_a_private_authority_is_trusted_by_aws_ca_bundle_alone(
    s3_server: S3Server, bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with faulty_proxy(s3_server.endpoint, authority.issue_cert("localhost")) as proxy:
        environment = environment_with(s3_server, bucket, AWS_S3_ENDPOINT=proxy.endpoint)
        error = run_with(environment, monkeypatch, tmp_path)
        assert "set AWS_CA_BUNDLE to the file of the authority" in error
        trusting = environment | {"AWS_CA_BUNDLE": str(tmp_path / "ca.pem")}
        assert run_with(trusting, monkeypatch, tmp_path) == "done"


def test_temporary_credentials_are_sent_with_their_token(
    s3_server: S3Server, proxy: FaultyProxy, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = environment_with(s3_server, bucket, AWS_SESSION_TOKEN="of an hour", AWS_S3_ENDPOINT=proxy.endpoint)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with dg.build_resources({"inputs": deployment(environment).resources["inputs"]}) as resources:
        address = resources.inputs.s3.get_client().generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
    assert "X-Amz-Security-Token=of%20an%20hour" in address or "x-amz-security-token=of%20an%20hour" in address


def test_a_local_store_that_cannot_be_written_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    error = run_with({"LEGOSIGNS_STORE": str(tmp_path / "file" / "store")}, monkeypatch, tmp_path)
    assert "set LEGOSIGNS_STORE to a folder" in error


def test_a_source_of_an_asset_that_is_not_made_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = {"LEGOSIGNS_STORE": str(tmp_path / "store"), "BACKGROUNDS": "/nowhere"}
    assert run_with(environment, monkeypatch, tmp_path, selection=["base_weights"]) == "done"
    assert "BACKGROUNDS is /nowhere" in run_with(environment, monkeypatch, tmp_path)
