import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from legosigns_dagster.resources.label_studio.errors import LabelStudioError
from legosigns_dagster.resources.label_studio.failures import is_down, is_missing_key, shown_text


def client_error(status: int | None, code: str = "") -> ClientError:
    """What boto3 raises for an answer of S3; an answer that is no S3's has no status."""
    metadata = {} if status is None else {"ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError({"Error": {"Code": code}} | metadata, "GetObject")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "down"),
    [
        (client_error(500), True),
        (client_error(503), True),
        (client_error(404), False),
        (client_error(403), False),
        (client_error(None), False),
        (EndpointConnectionError(endpoint_url="http://s3"), True),
        (ReadTimeoutError(endpoint_url="http://s3"), True),
        (LabelStudioError("no answer"), True),
        (LabelStudioError("gone", 404), False),
        (OSError("Name or service not known"), False),
    ],
    ids=repr,
)
def test_a_server_that_cannot_answer_says_nothing_about_the_image(error: Exception, down: bool) -> None:
    assert is_down(error) == down


def test_only_s3_says_that_there_is_no_such_object() -> None:
    assert is_missing_key(client_error(404, "NoSuchKey"))
    assert not is_missing_key(client_error(403, "AccessDenied"))
    assert not is_missing_key(OSError("NoSuchKey"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/a.jpg?X-Amz-Credential=me&X-Amz-Signature=5e88#top", "https://host/a.jpg"),
        ("https://me:secret@host:8080/a.jpg", "https://host:8080/a.jpg"),
        ("/data/local-files/?d=cam1/a.jpg&token=5e88", "/data/local-files/?d=cam1/a.jpg"),
        ("s3://bucket/is it 50?.jpg", "s3://bucket/is it 50?.jpg"),
        ("/tasks/7/resolve/?fileuri=czM6Ly9idWNrZXQvc2hvdHMvYS5qcGc=", "s3://bucket/shots/a.jpg"),
    ],
)
def test_an_error_about_a_url_shows_no_secret(url: str, shown: str) -> None:
    assert shown_text(f"cannot open {url} (refused)", url) == f"cannot open {shown} (refused)"


def test_an_error_about_another_url_shows_no_secret_either() -> None:
    text = "404 for url: https://me:secret@other/b.jpg?X-Amz-Signature=5e88 (host='other')"
    assert shown_text(text, "https://host/a.jpg") == "404 for url: https://other/b.jpg (host='other')"


def test_an_error_page_of_a_storage_shows_no_key() -> None:
    page = "403: <Error><AWSAccessKeyId>AKIA1</AWSAccessKeyId><SignatureProvided>5e88=</SignatureProvided>"
    assert shown_text(page, "https://host/a.jpg") == (
        "403: <Error><AWSAccessKeyId>…</AWSAccessKeyId><SignatureProvided>…</SignatureProvided>"
    )
    assert shown_text("GET with X-Amz-Signature=5e88&x=1", "") == "GET with X-Amz-Signature=…&x=1"
    assert "SignatureDoesNotMatch" in shown_text("An error occurred (SignatureDoesNotMatch) when calling", "")
