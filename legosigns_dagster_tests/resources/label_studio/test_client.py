"""The client of Label Studio, against the real server; what a real one cannot be made to do, against a small one."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.errors import LabelStudioError
from legosigns_dagster_tests.support.label_studio_project import IMAGES, LabelStudioProject
from legosigns_dagster_tests.support.servers import LabelStudio
from legosigns_dagster_tests.support.small_label_studio import SmallLabelStudio


def test_a_legacy_token_works_where_the_organization_allows_it(project: LabelStudioProject) -> None:
    client = LabelStudioClient(project.labels.url, project.labels.legacy_token)
    assert client.state(project.id).tasks == IMAGES


def test_an_access_token_that_ended_is_renewed(project: LabelStudioProject) -> None:
    now = [0.0]
    client = LabelStudioClient(project.labels.url, project.labels.personal_token, clock=lambda: now[0])
    header = client.key.header()
    client.key._access_token = "a.b.c"
    now[0] = 9e9
    assert client.state(project.id).tasks == IMAGES
    assert client.key.header() != {"Authorization": "Bearer a.b.c"}
    assert header["Authorization"].startswith("Bearer ")


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


def test_the_state_of_a_project_is_what_its_lists_say(project: LabelStudioProject) -> None:
    client = LabelStudioClient(project.labels.url, project.labels.legacy_token)
    state, tasks, annotations = client.state(project.id), client.index(project.id), client.annotations(project.id)
    assert (state.tasks, state.annotations, state.newest) == (len(tasks), len(annotations), max(tasks.values()))
    assert client.count_annotations(project.id, None) == len(annotations)
    assert client.count_annotations(project.id, state) == 0
    assert project.id in {str(one["id"]) for one in client.projects()}


@dataclass
class Stub:
    """A small server that answers a few paths badly.

    Attributes:
        url: Its address by number. By name, as `localhost`, it is another host for a client.
        requests: The address of each request, and the key that came with it.
    """

    url: str
    requests: list[tuple[str, str]]


@pytest.fixture
def stub() -> Iterator[Stub]:
    received: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            received.append((self.headers["Host"] + self.path, self.headers.get("Authorization", "")))
            tries = len([path for path, _ in received if path.endswith("/flaky")])
            answers = {
                "/html": (200, {}, b"<html>"),
                "/down": (500, {}, b"<h1>boom\n  at  noon</h1>"),
                "/flaky": (200 if tries > 2 else 503, {}, b'{"ok": 1}'),
                "/signed": (302, {"Location": "http://127.0.0.1:9/image.jpg?X-Amz-Signature=planted"}, b""),
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
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield Stub(f"http://127.0.0.1:{server.server_port}", received)
        server.shutdown()
        thread.join()


def client_without_waits(url: str) -> LabelStudioClient:
    return LabelStudioClient(url, "legacy", sleep=lambda _: None)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("html", "expected JSON: is LABEL_STUDIO_URL right"),
        ("down", "did not answer in 5 tries.*500: <h1>boom at noon</h1>"),
        ("loop", "more than 5 redirects"),
    ],
)
def test_a_server_that_answers_badly_is_named_with_what_to_do(stub: Stub, path: str, message: str) -> None:
    with pytest.raises(LabelStudioError, match=message):
        client_without_waits(stub.url).get(path)


def test_a_transient_failure_is_retried(stub: Stub) -> None:
    assert client_without_waits(stub.url).get("flaky") == {"ok": 1}


def test_the_key_goes_to_no_other_host_not_even_by_a_redirect(stub: Stub) -> None:
    assert client_without_waits(stub.url).get("away") == {"here": 1}
    assert [bool(key) for _, key in stub.requests] == [True, False]


def test_the_signature_of_a_url_that_is_not_answered_is_not_in_the_error(stub: Stub) -> None:
    with pytest.raises(LabelStudioError, match=r"http://127\.0\.0\.1:9/image\.jpg did not answer") as error:
        client_without_waits(stub.url).get("signed")
    assert "Connection refused" in str(error.value)
    assert "planted" not in str(error.value)


def test_a_server_that_is_not_there_is_an_error_that_names_the_variable() -> None:
    with pytest.raises(LabelStudioError, match="is LABEL_STUDIO_URL right, and is Label Studio running"):
        client_without_waits("http://127.0.0.1:9").state("1")


def test_only_the_tasks_that_changed_after_a_time_are_listed() -> None:
    with SmallLabelStudio({7: "2026-01-01T01:00", 8: "2026-01-01T03:00", 9: "2026-01-01T04:00"}).run() as server:
        client = client_without_waits(server.url)
        assert client.index("1", since="2026-01-01T02:00") == {"8": "2026-01-01T03:00", "9": "2026-01-01T04:00"}
        assert set(client.index("1")) == {"7", "8", "9"}


@pytest.mark.parametrize(("tasks", "requests"), [(0, 1), (999, 1), (1000, 1), (1001, 2)])
def test_a_list_is_read_to_its_last_page_and_not_beyond(tasks: int, requests: int) -> None:
    with SmallLabelStudio(dict.fromkeys(range(tasks), "2026-01-01T01:00")).run() as server:
        assert len(client_without_waits(server.url).index("1")) == tasks
    assert len(server.requests) == requests
