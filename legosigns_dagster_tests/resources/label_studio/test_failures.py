import pytest

from legosigns_dagster.resources.label_studio.failures import shown_text


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
