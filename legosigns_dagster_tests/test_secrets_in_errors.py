"""No error and no warning shows a secret, whatever library words it."""

import base64
import contextlib
import json
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import pytest
import requests
from dagster._serdes import serialize_value
from dagster._utils.error import serializable_error_info_from_exc_info

from legosigns_dagster.cli import main
from legosigns_dagster.core.redaction import written_forms
from legosigns_dagster.deployments import deployment
from legosigns_dagster.resources.inputs import Inputs
from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.label_studio.session import hide_queries_in_warnings
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster_tests.support.builders import Note

SECRET = "planted-secret"
# How a server's error page may repeat the headers of a request.
REPEATED: dict[str, Callable[[str], str]] = {
    "as they are": lambda text: text,
    "in JSON": lambda text: json.dumps({"detail": text}),
    "in a URL": quote,
    "in Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in Python": lambda text: repr(text.encode()),
    "as an error of S3": lambda text: f"<Error><Code>AccessDenied</Code><Message>{text}</Message></Error>",
}


@contextlib.contextmanager
def repeating_server(form: str) -> Iterator[str]:
    """Run a server that refuses every request and repeats its headers, and give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = REPEATED[form](" ".join(f"{name}: {value}" for name, value in self.headers.items())).encode()
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def found_in(text: str) -> list[str]:
    return [form for form in written_forms(SECRET) if form in text]


def told_by(call: Callable[[], object]) -> str:
    """What Dagster keeps of the error of a call: its text, its trace, and all errors that led to it."""
    try:
        call()
    except Exception as error:
        info = serializable_error_info_from_exc_info(sys.exc_info())
        return serialize_value(info) + repr(error)
    raise AssertionError("the call worked")


def label_studio(url: str, key: str) -> object:
    return LabelStudioClient(url, key, retry_after_s=()).get("api/projects/1")


def s3(endpoint: str, **changes: str) -> S3:
    keys = {"aws_access_key_id": "me", "aws_secret_access_key": SECRET, "aws_session_token": SECRET}
    settings: dict[str, Any] = keys | changes
    return S3(endpoint_url=endpoint, region_name="us-east-1", max_attempts=1, **settings)


@pytest.mark.parametrize("form", REPEATED)
def test_a_server_that_repeats_the_request_is_not_quoted_in_full(form: str) -> None:
    with repeating_server(form) as url:
        assert found_in(told_by(lambda: label_studio(url, SECRET))) == []
        assert found_in(told_by(lambda: s3(url).objects("bucket").write("key", b"content"))) == []
        image = url.replace("//", f"//me:{SECRET}@") + f"/a.jpg?X-Amz-Signature={SECRET}"
        fetch = ImageFetcher(None, s3(url).get_client)
        assert found_in(told_by(lambda: fetch(image, Path("/tmp")))) == []


NOBODY = "http://127.0.0.1:1"
CALLS: dict[str, Callable[[], object]] = {
    "a key with a line break": lambda: label_studio(NOBODY, f"{SECRET}\nX: 1"),
    "a key with a space": lambda: label_studio(NOBODY, f"Token {SECRET}"),
    "a key with a letter that no header has": lambda: label_studio(NOBODY, f"{SECRET}…"),
    "an address with a password": lambda: label_studio(f"http://me:{SECRET}@127.0.0.1:1", "key"),
    "a secret of S3 with a line break": lambda: s3(NOBODY, aws_secret_access_key=f"{SECRET}\n{SECRET}").get_client(),
    "a token of S3 with a line break": lambda: s3(NOBODY, aws_session_token=f"{SECRET}\n{SECRET}").get_client(),
    "a key's id with a line break": lambda: s3(NOBODY, aws_access_key_id=f"{SECRET}\n{SECRET}").get_client(),
    "a secret without its key's id": lambda: s3(NOBODY, aws_access_key_id="").get_client(),
    "an endpoint with a password": lambda: s3(f"http://me:{SECRET}@127.0.0.1:1").get_client(),
    "an endpoint with a password and no scheme": lambda: s3(f"me:{SECRET}@minio:9000").get_client(),
    "a server of nobody": lambda: s3(NOBODY).objects("bucket").read("key"),
    "a setting of another kind": lambda: S3.model_validate({"max_attempts": SECRET}),
}


@pytest.mark.parametrize("case", CALLS)
def test_an_error_shows_no_secret(case: str) -> None:
    assert found_in(told_by(CALLS[case])) == []


def test_a_proxy_s_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:{SECRET}@127.0.0.1:1")
    told = told_by(lambda: s3("http://store.example.com").objects("bucket").read("key"))
    assert found_in(told) == []
    assert "through the proxy http://127.0.0.1:1: correct HTTP_PROXY, or add store.example.com to NO_PROXY" in told


def test_a_resource_shows_no_secret_when_it_is_printed() -> None:
    assert found_in(repr(s3(NOBODY)) + str(s3(NOBODY))) == []


class BadHeaders(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(b"HTTP/1.1 404 Not Found\r\nno header\r\nContent-Length: 0\r\n\r\n")


def test_a_warning_of_urllib3_shows_no_signed_url(caplog: pytest.LogCaptureFixture) -> None:
    hide_queries_in_warnings()
    with socketserver.TCPServer(("127.0.0.1", 0), BadHeaders) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        requests.get(f"http://127.0.0.1:{server.server_address[1]}/a.jpg?X-Amz-Signature={SECRET}", timeout=5)
        server.shutdown()
    assert "Failed to parse headers" in caplog.text
    assert found_in(caplog.text) == []


BROKEN = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]


@pytest.mark.parametrize("name", BROKEN)
def test_a_run_with_a_key_that_cannot_be_sent_names_the_variable_and_keeps_no_secret(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = {"AWS_S3_BUCKET": "bucket", "AWS_S3_ENDPOINT": NOBODY, "AWS_ACCESS_KEY_ID": "me",
                   "AWS_SECRET_ACCESS_KEY": SECRET} | {name: f"{SECRET}\n{SECRET}"}  # fmt: skip
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)

    @dg.asset
    def base_weights(inputs: Inputs) -> Note:
        raise AssertionError("no step begins")

    with dg.DagsterInstance.ephemeral() as instance:
        resources = deployment(environment).resources
        done = dg.materialize([base_weights], resources=resources, instance=instance, raise_on_error=False)
        kept = "\n".join(serialize_value(event) for event in instance.all_logs(done.run_id))
    assert f"{name} has a line break" in kept
    with pytest.raises(SystemExit) as exit_:
        main(["prune"])
    assert str(exit_.value.code).startswith(f"legosigns: {name} has a line break")
    printed = capfd.readouterr()
    assert found_in(kept + printed.out + printed.err + str(exit_.value.code)) == []
