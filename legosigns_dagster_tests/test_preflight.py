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
    changes = {name: value.replace("{bucket}", bucket) for name, value in changes.items()}
    error = run_with(environment_with(s3_server, bucket, **changes), monkeypatch, tmp_path)
    assert re.search(message, error), error
    assert s3_server.secret_key not in error


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
