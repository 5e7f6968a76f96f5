"""The Label Studio API, against the real server; what a real one cannot be made to do, against a small one."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.ingestion.fetched_images import image_name
from legosigns_dagster.core.ingestion.incremental import PreviousVersion, extract_dataset
from legosigns_dagster.core.ingestion.label_studio import Task, read_task
from legosigns_dagster.core.ingestion.settings import DatasetSettings, Recipe
from legosigns_dagster.resources.label_studio.api import ApiSource
from legosigns_dagster.resources.label_studio.client import LabelStudioClient, LabelStudioError
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.label_studio.project import find_project
from legosigns_dagster.resources.label_studio.sources import ExportSource
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster_tests.support.builders import CLASSES, region, write_image
from legosigns_dagster_tests.support.label_studio_project import IMAGES, Counting, LabelStudioProject, digest
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.servers import LabelStudio


def test_the_api_and_an_export_of_the_same_project_give_the_same_dataset(project: LabelStudioProject, tmp_path: Path) -> None:
    export = project.labels.call("GET", f"projects/{project.id}/export?exportType=JSON&download_all_tasks=true")
    (tmp_path / "export.json").write_text(json.dumps(export))
    (tmp_path / "of-export").mkdir()
    given = ExportSource(Location(str(tmp_path / "export.json"), "LABEL_STUDIO_EXPORT", lambda: None))  # type: ignore[arg-type,return-value]
    from_export = project.made(given.extract(tmp_path), None, tmp_path / "of-export")
    from_api = project.extract("of-api", None)
    assert len(from_api.images) == IMAGES
    assert digest(from_api) == digest(from_export)


def test_where_nothing_changed_nothing_is_fetched_again(project: LabelStudioProject) -> None:
    first = project.extract("first", None)
    server = Counting(project.labels.url, project.labels.personal_token)
    second = project.extract("second", first, server)
    assert (server.exported, project.fetched) == ([], [])
    assert digest(second) == digest(first)


def test_only_what_changed_is_fetched_and_the_result_is_the_same_as_from_scratch(project: LabelStudioProject) -> None:
    first = project.extract("first", None)
    tasks = project.tasks()
    answer = project.labels.call("GET", f"tasks/{tasks[1]}/annotations/")[0]["id"]
    relabelled = region(value={"rectanglelabels": ["DangerAhead"]})
    project.labels.call("PATCH", f"annotations/{answer}/", {"result": [relabelled]})
    project.labels.call("DELETE", f"tasks/{tasks[2]}/")
    added = project.add(77, {"result": []})
    server = Counting(project.labels.url, project.labels.personal_token)
    second = project.extract("second", first, server)
    assert sorted(server.exported, key=int) == [tasks[1], added]
    assert set(project.fetched) == {"1.jpg", "77.jpg"}
    assert tasks[2] not in second.sources["task"].tolist()
    assert digest(second) == digest(project.extract("scratch", None)) != digest(first)


def test_a_task_that_cannot_be_read_stays_in_the_quarantine_while_others_change(
    project: LabelStudioProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, other, *_ = project.tasks()

    def read(document: dict[str, Any]) -> Task:
        if str(document.get("id")) == broken and "project" in document:
            raise ValueError("'result' is a str, expected a list of regions")
        return read_task(document)

    monkeypatch.setattr("legosigns_dagster.resources.label_studio.api.read_task", read)
    monkeypatch.setattr("legosigns_dagster.resources.label_studio.api.OVERLAP", timedelta())
    first = project.extract("first", None)
    project.change(other, [])
    second = project.extract("second", first)
    for dataset in (first, second):
        assert [(r.reason, r.task) for r in dataset.quarantine.itertuples()] == [("unreadable_annotation", broken)]


def test_an_annotation_that_is_deleted_is_noticed(project: LabelStudioProject) -> None:
    first = project.extract("first", None)
    task = project.tasks()[3]
    project.labels.call("DELETE", f"annotations/{project.labels.call('GET', f'tasks/{task}/annotations/')[0]['id']}/")
    second = project.extract("second", first)
    assert [(row.reason, row.task) for row in second.quarantine.itertuples()] == [("unlabeled", task)]


def test_an_image_that_was_missing_is_tried_again_though_nothing_changed_in_label_studio(project: LabelStudioProject) -> None:
    image = project.folder / "images" / "4.jpg"
    image.rename(project.folder / "elsewhere.jpg")
    first = project.extract("first", None)
    assert first.quarantine["image"].tolist() == ["4.jpg"]
    (project.folder / "elsewhere.jpg").rename(image)
    second = project.extract("second", first)
    assert project.fetched == ["4.jpg"]
    assert len(second.images) == IMAGES
    assert len(second.quarantine) == 0


def test_another_split_is_made_of_the_same_images_without_fetching_them(project: LabelStudioProject, tmp_path: Path) -> None:
    before = PreviousVersion.load(project.extract("first", None).folder)
    server = LabelStudioClient(project.labels.url, project.labels.personal_token)
    extraction = ApiSource(lambda: server, project.id, CLASSES, SILENT).extract(tmp_path, before)
    project.fetched.clear()
    (tmp_path / "other").mkdir()
    recipe = Recipe(CLASSES, DatasetSettings(split_seed=1, val_share=0.5))
    other = extract_dataset(extraction, before, project.fetch, recipe, tmp_path / "other", SILENT)
    assert project.fetched == []
    assert len(other.images) == IMAGES


def test_a_legacy_token_works_where_the_organization_allows_it(project: LabelStudioProject) -> None:
    server = LabelStudioClient(project.labels.url, project.labels.legacy_token)
    assert server.state(project.id).tasks == IMAGES


def test_an_access_token_that_ended_is_renewed(project: LabelStudioProject) -> None:
    now = [0.0]
    server = LabelStudioClient(project.labels.url, project.labels.personal_token, clock=lambda: now[0])
    first = server.key.header()
    server.key._access = "a.b.c"
    now[0] = 9e9
    assert server.state(project.id).tasks == IMAGES
    assert server.key.header() != {"Authorization": "Bearer a.b.c"}
    assert first["Authorization"].startswith("Bearer ")


def test_a_refused_token_says_which_kind_it_is_and_what_to_do(labels_server: LabelStudio) -> None:
    access = requests.post(f"{labels_server.url}/api/token/refresh/", json={"refresh": labels_server.personal_token},
                           timeout=30).json()["access"]  # fmt: skip
    body, signature = access.rsplit(".", 1)
    wrong = {
        "no-such-token": "the legacy token in LABEL_STUDIO_API_KEY was refused.*off by default",
        labels_server.personal_token[:-3]
        + "abc": "the personal access token in LABEL_STUDIO_API_KEY was refused.*make a new one",
        f"{body}.{signature[:-4]}abcd": "the access token in LABEL_STUDIO_API_KEY was refused.*five minutes",
    }
    for key, message in wrong.items():
        with pytest.raises(LabelStudioError, match=message):
            LabelStudioClient(labels_server.url, key).state("1")


def test_a_project_is_found_by_id_and_by_title(project: LabelStudioProject) -> None:
    server = LabelStudioClient(project.labels.url, project.labels.legacy_token)
    by_id = find_project(server, project.id)
    assert by_id == find_project(server, by_id.title)
    assert set(by_id.classes) == set(CLASSES.names)


def test_a_project_that_is_not_there_lists_those_that_are(project: LabelStudioProject) -> None:
    with pytest.raises(LabelStudioError, match=rf"'no such'.*{project.id} signs"):
        find_project(LabelStudioClient(project.labels.url, project.labels.legacy_token), "no such")


def test_labels_that_are_not_the_classes_are_an_error_before_anything_is_fetched(project: LabelStudioProject, tmp_path: Path) -> None:
    server = Counting(project.labels.url, project.labels.legacy_token)
    source = ApiSource(lambda: server, project.id, SignClasses(("SpeedLimit", "Stop")), SILENT)
    with pytest.raises(LabelStudioError, match="unknown DangerAhead, missing Stop"):
        source.extract(tmp_path)
    assert server.exported == []


def test_an_uploaded_image_comes_with_the_key(project: LabelStudioProject, tmp_path: Path) -> None:
    file = write_image(tmp_path / "up.jpg", seed=9)
    header = {"Authorization": f"Token {project.labels.legacy_token}"}
    url = f"{project.labels.url}/api/projects/{project.id}/import?return_task_ids=true"
    form = {"f": ("up.jpg", file.read_bytes(), "image/jpeg")}
    task = requests.post(url, headers=header, files=form, timeout=30).json()["task_ids"][0]
    image = project.labels.call("GET", f"tasks/{task}/?resolve_uri=false")["data"]["image"]
    server = LabelStudioClient(project.labels.url, project.labels.personal_token)
    (tmp_path / "into").mkdir()
    fetch = ImageFetcher(None, lambda: None, server)  # type: ignore[arg-type,return-value]
    assert fetch(image, tmp_path / "into").read_bytes() == file.read_bytes()


def test_an_image_on_label_studios_own_disk_comes_with_the_key(project: LabelStudioProject, tmp_path: Path) -> None:
    file = write_image(project.labels.data / "photos" / "знак 1.jpg", seed=8)
    storage = {"project": project.id, "title": "disk", "path": str(file.parent), "use_blob_urls": True}
    made = project.labels.call("POST", "storages/localfiles/", storage | {"regex_filter": ".*jpg"})["id"]
    before = project.tasks()
    project.labels.call("POST", f"storages/localfiles/{made}/sync", {})
    (task,) = set(project.tasks()) - set(before)
    image = project.labels.call("GET", f"tasks/{task}/?resolve_uri=false")["data"]["image"]
    assert image.startswith("/data/local-files/?d=")
    server = LabelStudioClient(project.labels.url, project.labels.personal_token)
    (tmp_path / "into").mkdir()
    fetch = ImageFetcher(None, lambda: None, server)  # type: ignore[arg-type,return-value]
    assert fetch(image, tmp_path / "into").read_bytes() == file.read_bytes()
    assert image_name(image) == "знак 1.jpg"


@dataclass
class Stub:
    """A small server on two addresses that answers a few paths badly, and what it was sent."""

    url: str
    other: str
    sent: list[tuple[str, str]]


@pytest.fixture
def stub() -> Iterator[Stub]:
    sent: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent.append((self.headers["Host"] + self.path, self.headers.get("Authorization", "")))
            tries = len([path for path, _ in sent if path.endswith("/flaky")])
            answers = {
                "/html": (200, {}, b"<html>"),
                "/down": (500, {}, b"boom"),
                "/flaky": (200 if tries > 2 else 503, {}, b'{"ok": 1}'),
                "/loop": (302, {"Location": "/loop"}, b""),
                "/away": (302, {"Location": f"http://localhost:{self.headers['Host'].split(':')[1]}/there"}, b""),
            }
            status, headers, body = answers.get(self.path, (200, {}, b'{"here": 1}'))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        port = server.server_port
        yield Stub(f"http://127.0.0.1:{port}", f"http://localhost:{port}", sent)
        server.shutdown()
        thread.join()


def impatient(url: str) -> LabelStudioClient:
    return LabelStudioClient(url, "legacy", sleep=lambda _: None)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("html", "expected JSON: is LABEL_STUDIO_URL right"),
        ("down", "did not answer in 5 tries.*500: boom"),
        ("loop", "more than 5 redirects"),
    ],
)
def test_a_server_that_answers_badly_is_named_with_what_to_do(stub: Stub, path: str, message: str) -> None:
    with pytest.raises(LabelStudioError, match=message):
        impatient(stub.url).get(path)


def test_a_passing_failure_is_tried_again(stub: Stub) -> None:
    assert impatient(stub.url).get("flaky") == {"ok": 1}


def test_the_key_goes_to_no_other_host_not_even_by_a_redirect(stub: Stub) -> None:
    assert impatient(stub.url).get("away") == {"here": 1}
    assert [bool(key) for _, key in stub.sent] == [True, False]


def test_a_server_that_is_not_there_is_an_error_that_names_the_variable() -> None:
    with pytest.raises(LabelStudioError, match="is LABEL_STUDIO_URL right, and is Label Studio running"):
        impatient("http://127.0.0.1:9").state("1")
