"""A Label Studio, over plain HTTP.

label-studio-sdk is left out on purpose: it ignores the ids of an export, ends every list with a 404 that it swallows,
fetches no image with a personal access token, and takes two seconds and 138 MB to import.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from legosigns_dagster.core.ingestion.project_state import SourceState
from legosigns_dagster.resources.label_studio.credentials import PERSONAL, Key
from legosigns_dagster.resources.label_studio.quick_ack import PromptAdapter

TIMEOUT_S = (5, 120)
RETRY_AFTER_S = (0.5, 1.0, 2.0, 4.0)
PAGE, CHUNK = 1000, 200  # tasks in a list; ids in an export: a thousand are more than the server takes in one address
REDIRECTS = 5
PASSING = frozenset({429, 500, 502, 503, 504})
Params = Sequence[tuple[str, str | int]]


class LabelStudioError(RuntimeError):
    """Label Studio could not be asked: what was asked, what came back, what to do; `status` is HTTP's, 0 for none."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class LabelStudioServer:
    """One Label Studio. Passing failures are tried again; every other is a LabelStudioError."""

    def __init__(
        self,
        url: str,
        key: str,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        retry_after_s: Sequence[float] = RETRY_AFTER_S,
    ) -> None:
        self.url, self._sleep, self._retry_after_s = url.rstrip("/") + "/", sleep, retry_after_s
        self.key = Key(key, self._exchange, clock)
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, PromptAdapter())

    def state(self, project: str) -> SourceState:
        """The project's state, in one small request."""
        page = self._tasks(project, 1, 1, {"ordering": ["-tasks:updated_at"]})
        newest = page["tasks"][0]["updated_at"] if page["tasks"] else ""
        return SourceState(self.url, project, str(newest), int(page["total"]), int(page["total_annotations"]))

    def changed_annotations(self, project: str, since: SourceState | None) -> int:
        """How many annotations there are on tasks that changed later than this state, or in all, in a small request."""
        query = later_than(since.newest) if since and since.newest else {}
        return int(self._tasks(project, 1, 1, query)["total_annotations"])

    def index(self, project: str, since: str = "") -> dict[str, str]:
        """Each task's id and when it last changed; with `since` only the tasks that changed later."""
        pages = self._pages(project, later_than(since) if since else {}, "id,updated_at")
        return {str(task["id"]): str(task["updated_at"]) for page in pages for task in page}

    def annotations(self, project: str) -> dict[str, str]:
        """The id of each annotation, cancelled ones too, and of its task."""
        pages = self._pages(project, {}, "id,annotations")
        return {str(a["id"]): str(task["id"]) for page in pages for task in page for a in task["annotations"]}

    def export(self, project: str, ids: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        """The tasks with these ids and all their annotations, some at a time: memory does not grow with them."""
        whole = [("exportType", "JSON"), ("download_all_tasks", "true")]
        for start in range(0, len(ids), CHUNK):
            chosen = [("ids[]", task_id) for task_id in ids[start : start + CHUNK]]
            answer = self.get(f"api/projects/{project}/export", [*whole, *chosen])
            if not isinstance(answer, list):
                raise LabelStudioError(f"the export of project {project} is no list of tasks: {str(answer)[:200]}")
            yield answer

    def get(self, path: str, params: Params = ()) -> Any:
        """The JSON at a path below the server's address."""
        with self.request(urljoin(self.url, path), params) as response:
            try:
                return response.json()
            except ValueError as error:
                kind = response.headers.get("Content-Type", "nothing said")
                raise LabelStudioError(
                    f"{bare(response.url)} answered {kind}, expected JSON: is LABEL_STUDIO_URL right?"
                ) from error

    def is_mine(self, url: str) -> bool:
        """Whether an address is this server's, to which alone the key may go."""
        mine, other = urlsplit(self.url), urlsplit(url)
        return (mine.scheme, mine.hostname, mine.port) == (other.scheme, other.hostname, other.port)

    def request(self, url: str, params: Params = (), stream: bool = False) -> requests.Response:
        """The answer from an address, redirects followed; the key goes to this server and to no other host."""
        renewed = False
        for _ in range(REDIRECTS + 2):
            response = self._patiently(url, params, self.key.header(renewed) if self.is_mine(url) else {}, stream)
            if response.status_code == 401 and self.is_mine(url):
                if self.key.kind == PERSONAL and not renewed:
                    renewed = True
                    continue
                raise LabelStudioError(self.key.refused(self._said(response)))
            if response.is_redirect:
                url, params = urljoin(response.url, response.headers["Location"]), ()
                continue
            if not response.ok:
                raise LabelStudioError(
                    f"{bare(response.url)} answered {response.status_code}: {self._said(response)}",
                    response.status_code,
                )
            return response
        raise LabelStudioError(f"{bare(url)}: more than {REDIRECTS} redirects", 302)

    def _patiently(self, url: str, params: Params, header: Mapping[str, str], stream: bool) -> requests.Response:
        failure, status = "", 0
        for wait in (*self._retry_after_s, None):
            try:
                response = self._session.get(
                    url, params=list(params), headers=header, timeout=TIMEOUT_S, stream=stream, allow_redirects=False
                )
                if response.status_code not in PASSING:
                    return response
                failure, status = f"{response.status_code}: {self._said(response)}", response.status_code
            except requests.RequestException as error:
                failure, status = f"{type(error).__name__}: {error}", 0
            if wait is not None:
                self._sleep(wait)
        raise LabelStudioError(
            f"{bare(url)} did not answer in {len(self._retry_after_s) + 1} tries "
            f"({failure}): is LABEL_STUDIO_URL right, and is Label Studio running?",
            status,
        )

    def _exchange(self, token: str) -> str:
        url = urljoin(self.url, "api/token/refresh/")
        try:
            response = self._session.post(url, json={"refresh": token}, timeout=TIMEOUT_S, allow_redirects=False)
        except requests.RequestException as error:
            raise LabelStudioError(f"{url} did not answer ({error}): is LABEL_STUDIO_URL right?") from error
        try:
            return str(response.json()["access"])
        except (ValueError, KeyError, TypeError) as error:
            raise LabelStudioError(self.key.refused(f"{response.status_code}: {self._said(response)}")) from error

    def _said(self, response: requests.Response) -> str:
        """What an error's body says, in a line, without the key: a proxy may repeat the request."""
        try:
            body = response.json()
            detail = body.get("detail") or body if isinstance(body, dict) else body
        except ValueError:
            detail = " ".join(response.text.split())
        text = str(detail)
        for secret in (self.key.given, response.request.headers.get("Authorization", "").split(" ")[-1]):
            text = text.replace(secret, "…") if secret else text
        return text[:200]

    def _pages(self, project: str, query: Mapping[str, Any], include: str) -> Iterator[list[Any]]:
        seen = 0
        for page in range(1, 1_000_000):
            answer = self._tasks(project, page, PAGE, query, include)
            yield answer["tasks"]
            seen += len(answer["tasks"])
            if len(answer["tasks"]) < PAGE or seen >= answer["total"]:
                break  # the page after the last is a 404

    def _tasks(
        self, project: str, page: int, size: int, query: Mapping[str, Any], include: str = "id,updated_at"
    ) -> Any:
        # The images' own addresses are wanted, not ones through the server that end in a minute.
        fields = [("fields", "all"), ("include", include), ("resolve_uri", "false")]
        asked = [("query", json.dumps(query))] if query else []
        return self.get("api/tasks/", [("project", project), ("page", page), ("page_size", size), *fields, *asked])


def later_than(newest: str) -> dict[str, Any]:
    """The query for tasks that changed later than a time, written as Label Studio does: with microseconds."""
    item = {"filter": "filter:tasks:updated_at", "operator": "greater", "type": "Datetime", "value": newest}
    return {"filters": {"conjunction": "and", "items": [item]}}


def bare(url: str) -> str:
    """An address without its query, which may be signed: with it whoever reads the log could open what it points to."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"
