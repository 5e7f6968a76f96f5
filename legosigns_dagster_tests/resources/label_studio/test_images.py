"""How images are found and fetched: those that Label Studio itself has, against the real server, and all others."""

import base64
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from legosigns_dagster.core.dataset.quarantine import RejectedError
from legosigns_dagster.core.ingestion.fetched_images import fetch_image, image_name
from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.errors import LabelStudioError
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.label_studio.project import ProjectConnection
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster_tests.support.builders import write_image
from legosigns_dagster_tests.support.label_studio_project import LabelStudioProject
from legosigns_dagster_tests.support.servers import S3Server


def test_an_uploaded_image_comes_with_the_key(project: LabelStudioProject, tmp_path: Path) -> None:
    file = write_image(tmp_path / "up.jpg", seed=9)
    header = {"Authorization": f"Token {project.labels.legacy_token}"}
    url = f"{project.labels.url}/api/projects/{project.id}/import?return_task_ids=true"
    form = {"f": ("up.jpg", file.read_bytes(), "image/jpeg")}
    task = requests.post(url, headers=header, files=form, timeout=30).json()["task_ids"][0]
    image = project.labels.call("GET", f"tasks/{task}/?resolve_uri=false")["data"]["image"]
    (tmp_path / "into").mkdir()
    fetch = ImageFetcher(None, lambda: None, project.connection())  # type: ignore[arg-type,return-value]
    assert fetch(image, tmp_path / "into").read_bytes() == file.read_bytes()


def test_an_image_on_label_studios_own_disk_comes_with_the_key(project: LabelStudioProject, tmp_path: Path) -> None:
    file = write_image(project.labels.data / "images" / "знак 1.jpg", seed=8)
    storage = {"project": project.id, "title": "disk", "path": str(file.parent), "use_blob_urls": True}
    storage_id = project.labels.call("POST", "storages/localfiles/", storage | {"regex_filter": ".*jpg"})["id"]
    before = project.tasks()
    project.labels.call("POST", f"storages/localfiles/{storage_id}/sync", {})
    (task,) = set(project.tasks()) - set(before)
    image = project.labels.call("GET", f"tasks/{task}/?resolve_uri=false")["data"]["image"]
    assert image.startswith("/data/local-files/?d=")
    (tmp_path / "into").mkdir()
    fetch = ImageFetcher(None, lambda: None, project.connection())  # type: ignore[arg-type,return-value]
    assert fetch(image, tmp_path / "into").read_bytes() == file.read_bytes()
    assert image_name(image) == "знак 1.jpg"


def fetch(url: str, into: Path, images: Path | None = None) -> Path:
    into.mkdir(exist_ok=True)
    location = Location(str(images), "LABEL_STUDIO_IMAGES", lambda: None) if images else None  # type: ignore[arg-type,return-value]
    return ImageFetcher(location, no_s3)(url, into)


def no_s3() -> Any:
    """A client of S3 that may read no bucket."""
    return Refusing()


class Refusing:
    def __init__(self, status: int = 403) -> None:
        self.answer: Any = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": status}}

    def get_object(self, **asked: str) -> Any:
        raise ClientError(self.answer, f"GetObject of {asked}")


def refusal(url: str, tmp_path: Path, images: Path | None = None) -> RejectedError:
    with pytest.raises(RejectedError) as error:
        fetch(url, tmp_path / "into", images)
    return error.value


def test_an_image_in_two_folders_is_the_one_that_its_url_names(tmp_path: Path) -> None:
    files = [write_image(tmp_path / "images" / f"cam{number}" / "0001.jpg", seed=number) for number in (1, 2)]
    found = fetch("/data/local-files/?d=cam1/0001.jpg", tmp_path / "into", tmp_path / "images")
    assert found.read_bytes() == files[0].read_bytes()


def test_two_images_that_a_url_may_mean_are_named_and_neither_is_used(tmp_path: Path) -> None:
    for number in (1, 2):
        write_image(tmp_path / "images" / f"cam{number}" / "0001.jpg", seed=number)
    error = refusal("https://example.invalid/b/0001.jpg?sig=5e88", tmp_path, tmp_path / "images")
    assert error.reason == "ambiguous_image"
    assert "https://example.invalid/b/0001.jpg: 2 files fit: cam1/0001.jpg, cam2/0001.jpg: rename" in error.detail


def test_an_image_in_another_folder_is_not_used_but_named(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "cam2" / "0001.jpg")
    write_image(tmp_path / "images" / "thumbs" / "0001.jpg")
    error = refusal("/data/local-files/?d=cam1/0001.jpg", tmp_path, tmp_path / "images")
    assert error.reason == "missing_image"
    assert "(cam2/0001.jpg, thumbs/0001.jpg may be another image, by the folder)" in error.detail


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://bucket/shots/50%20kmh.jpg", "50%20kmh.jpg"),
        ("https://example.invalid/50%20kmh.jpg", "50 kmh.jpg"),
        ("https://example.invalid/50%2520kmh.jpg", "50%20kmh.jpg"),
        ("/data/local-files/?d=50%20kmh.jpg", "50 kmh.jpg"),
        ("50%20kmh.jpg", "50%20kmh.jpg"),
    ],
)
def test_a_percent_sign_in_a_key_is_a_percent_sign(url: str, name: str, tmp_path: Path) -> None:
    for seed, one in enumerate(("50%20kmh.jpg", "50 kmh.jpg")):
        write_image(tmp_path / "images" / f"{seed}.jpg", seed=seed).rename(tmp_path / "images" / one)
    found = fetch(url, tmp_path / "into", tmp_path / "images")
    assert found.name == name


HOSTS = ["https://[REDACTED]", "https://[::1", "https://DOMAIN_NAME.invalid", "http://host:port", "http://" + "a" * 70,
         "http://.", "http://", "ftp://[x]", "azure-blob://[x]", "s3://[REDACTED]", "https://{{HOST}}"]  # fmt: skip


@pytest.mark.parametrize("host", HOSTS)
def test_an_image_at_a_host_that_is_none_is_found_by_its_name(host: str, tmp_path: Path) -> None:
    file = write_image(tmp_path / "images" / "a.jpg")
    assert fetch(f"{host}/bucket/a.jpg", tmp_path / "into", tmp_path / "images").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("host", HOSTS)
def test_an_image_that_is_at_no_host_is_a_row_and_not_the_end(host: str, tmp_path: Path) -> None:
    assert refusal(f"{host}/bucket/a.jpg?sig=5e88", tmp_path).reason == "missing_image"


def test_an_image_at_a_host_that_is_none_is_not_label_studios(tmp_path: Path) -> None:
    client = LabelStudioClient("http://127.0.0.1:9", "key", retry_after_s=())
    with pytest.raises(RejectedError, match="missing_image"):
        ImageFetcher(None, no_s3, ProjectConnection(client))("https://[REDACTED]/a.jpg", tmp_path)
    client.close()


def test_a_server_that_is_down_ends_the_run_and_says_nothing_about_the_image(tmp_path: Path) -> None:
    fetch = ImageFetcher(None, lambda: Refusing(503))  # type: ignore[arg-type,return-value]
    with pytest.raises(ClientError, match="GetObject"):
        fetch("s3://bucket/a.jpg", tmp_path)
    client = LabelStudioClient("http://127.0.0.1:9", "key", retry_after_s=())
    fetch = ImageFetcher(None, no_s3, ProjectConnection(client))
    with pytest.raises(LabelStudioError, match=r"127\.0\.0\.1:9"):
        fetch("/data/upload/1/a.jpg", tmp_path)
    client.close()


def test_a_link_to_the_resolver_is_found_by_the_name_in_it_and_shown_as_its_uri(tmp_path: Path) -> None:
    url = "/tasks/7/resolve/?fileuri=czM6Ly9idWNrZXQvc2hvdHMvYS5qcGc="
    file = write_image(tmp_path / "images" / "a.jpg")
    assert fetch(url, tmp_path / "into", tmp_path / "images").read_bytes() == file.read_bytes()
    detail = refusal(url, tmp_path).detail
    assert detail.startswith("s3://bucket/shots/a.jpg: ")
    assert detail.endswith(": set LABEL_STUDIO_IMAGES to where it is")


def test_an_image_at_the_end_of_a_link_to_the_resolver_comes_from_its_bucket(
    s3_server: S3Server, bucket: str, tmp_path: Path
) -> None:
    client = s3_server.client()
    for key in ("shots/a.jpg", "50%20#1?.jpg"):
        client.put_object(Bucket=bucket, Key=key, Body=key.encode())
        encoded = base64.urlsafe_b64encode(f"s3://{bucket}/{key}".encode()).decode()
        for number, url in enumerate((f"/tasks/7/resolve/?fileuri={encoded}", f"s3://{bucket}/{key}")):
            (into := tmp_path / f"{number}{len(key)}").mkdir()
            assert ImageFetcher(None, s3_server.client)(url, into).read_bytes() == key.encode()


def test_an_image_in_its_task_is_decoded(tmp_path: Path) -> None:
    file = write_image(tmp_path / "a.jpg", seed=3)
    encoded = base64.b64encode(file.read_bytes()).decode()
    for number, url in enumerate((f"data:image/jpeg;base64,{encoded}", encoded)):
        stored = fetch_image(url, lambda one, into: fetch(one, into), prepared(tmp_path / str(number)))
        assert (tmp_path / str(number) / stored.file).read_bytes() == file.read_bytes()
        assert stored.name.startswith("image-")
        assert len(stored.file) < 60


def prepared(folder: Path) -> Path:
    (folder / "images").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("payload", ["", "!!!", "a", "bm8gaW1hZ2U="])
def test_what_is_no_image_in_its_task_is_a_short_row(payload: str, tmp_path: Path) -> None:
    with pytest.raises(RejectedError) as error:
        fetch_image(f"data:image/png;base64,{payload}", lambda one, into: fetch(one, into), prepared(tmp_path / "new"))
    assert error.value.reason == "unreadable_image"
    assert len(error.value.detail) < 300


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/bucket/a.jpg?X-Amz-Credential=secret&X-Amz-Signature=5e88",
        "http://127.0.0.1:9/bucket/a.jpg?sv=2022&sig=5e88%2Bsecret",
        "http://me:secret@127.0.0.1:9/a.jpg",
        "http://[127.0.0.1:9/a.jpg?sig=secret",
        "http://127.0.0.1:nine/a.jpg?sig=secret",
        "s3://me:secret@bucket/a.jpg?X-Amz-Signature=5e88",
        "gs://bucket/a.jpg?X-Goog-Signature=5e88secret",
        "a.jpg?sig=secret",
        "/data/upload/1/a.jpg?token=secret",
        "/tasks/7/resolve/?fileuri="
        + base64.b64encode(b"http://127.0.0.1:9/a.jpg?X-Amz-Signature=5e88secret").decode(),
    ],
)
def test_no_signature_and_no_password_is_in_the_row_of_a_missing_image(url: str, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for images in (None, tmp_path / "images"):
        error = refusal(url, tmp_path, images)
        assert error.reason == "missing_image"
        assert "a.jpg" in error.detail
        assert not [word for word in ("secret", "5e88", "X-Amz", "sig=", "fileuri") if word in str(error)]


def test_a_page_that_redirects_to_a_signed_url_shows_no_signature(tmp_path: Path) -> None:
    class Redirecting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(404 if "X-Amz" in self.path else 302)
            self.send_header("Location", "/b.jpg?X-Amz-Signature=5e88")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        threading.Thread(target=server.serve_forever).start()
        error = refusal(f"http://127.0.0.1:{server.server_port}/a.jpg", tmp_path)
        server.shutdown()
    assert "404" in error.detail
    assert "X-Amz" not in error.detail
