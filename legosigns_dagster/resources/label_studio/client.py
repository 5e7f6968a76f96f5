"""The HTTP client of a Label Studio server.

label-studio-sdk is not used, on purpose: it ignores the ids of an export, ends every list with a 404 that it hides,
downloads no image with a personal access token, and takes two seconds and 138 MB to import.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from legosigns_dagster.core.ingestion.project_state import SourceState
from legosigns_dagster.resources.label_studio.credentials import ApiKey, TokenKind
from legosigns_dagster.resources.label_studio.errors import (
    LabelStudioError,
    error_detail,
    without_queries,
    without_query,
)
from legosigns_dagster.resources.label_studio.queries import later_than, read_pages
from legosigns_dagster.resources.label_studio.session import LabelStudioSession, server_url

TIMEOUT_S = (5, 120)  # to connect, to read
RETRY_AFTER_S = (0.5, 1.0, 2.0, 4.0)
TASKS_PAGE, PROJECTS_PAGE = 1000, 100
CHUNK = 200  # ids in an export: the server does not accept a URL with a thousand
REDIRECTS = 5
TRANSIENT_STATUSES = frozenset({429, 500, 502, 503, 504})
Params = Sequence[tuple[str, str | int]]


class LabelStudioClient:
    """Asks one Label Studio server. Safe for threads.

    A transient failure is retried. Where that does not help, and for every other failure, each method raises
    LabelStudioError.
    """

    def __init__(
        self,
        url: str,
        key: str,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        retry_after_s: Sequence[float] = RETRY_AFTER_S,
        timeout_s: tuple[float, float] = TIMEOUT_S,
    ) -> None:
        self._options: Any = {"timeout": timeout_s, "allow_redirects": False}
        self.url, self._sleep, self._retry_after_s = server_url(url), sleep, retry_after_s
        self.key = ApiKey(key, self._exchange, clock)
        self._session = LabelStudioSession(self.key.secrets)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def state(self, project: str) -> SourceState:
        """Get the state of a project, with one small request."""
        page = self._tasks(project, 1, 1, {"ordering": ["-tasks:updated_at"]})
        newest = page["tasks"][0]["updated_at"] if page["tasks"] else ""
        return SourceState(self.url, project, str(newest), int(page["total"]), int(page["total_annotations"]))

    def count_annotations(self, project: str, since: SourceState | None) -> int:
        """Count the annotations on the tasks that changed after `since`, or all, with one small request."""
        query = later_than(since.newest) if since and since.newest else {}
        return int(self._tasks(project, 1, 1, query)["total_annotations"])

    def index(self, project: str, since: str = "") -> dict[str, str]:
        """List the tasks of a project, or only those that changed after the time `since`.

        Returns:
            When each task was last changed, by task id.
        """
        pages = self._task_pages(project, later_than(since) if since else {}, "id,updated_at")
        return {str(task["id"]): str(task["updated_at"]) for page in pages for task in page}

    def annotations(self, project: str) -> dict[str, str]:
        """List the annotations of a project, cancelled ones too.

        Returns:
            The task's id by the annotation's id.
        """
        pages = self._task_pages(project, {}, "id,annotations")
        return {str(a["id"]): str(task["id"]) for page in pages for task in page for a in task["annotations"]}

    def export(self, project: str, ids: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        """Yield the tasks with these ids and all their annotations, in chunks, so that memory does not grow."""
        whole = [("exportType", "JSON"), ("download_all_tasks", "true")]
        for start in range(0, len(ids), CHUNK):
            chosen = [("ids[]", task_id) for task_id in ids[start : start + CHUNK]]
            answer = self.get(f"api/projects/{project}/export", [*whole, *chosen])
            if not isinstance(answer, list):
                raise LabelStudioError(f"the export of project {project} is no list of tasks: {str(answer)[:200]}")
            yield answer

    def projects(self) -> Iterator[dict[str, Any]]:
        """Yield all projects that the key may see, as Label Studio describes them."""

        def get_page(number: int) -> tuple[list[dict[str, Any]], bool]:
            answer = self.get("api/projects/", [("page", number), ("page_size", PROJECTS_PAGE)])
            return answer["results"], not answer.get("next")

        return (project for page in read_pages(get_page) for project in page)

    def get(self, path: str, params: Params = ()) -> Any:
        """Get the JSON at a path below the server's URL."""
        with self.request(urljoin(self.url, path), params) as response:
            try:
                return response.json()
            except ValueError as error:
                kind = response.headers.get("Content-Type", "nothing said")
                raise LabelStudioError(
                    f"{without_query(response.url)} answered {kind}, expected JSON: is LABEL_STUDIO_URL right?"
                ) from error

    def is_same_origin(self, url: str) -> bool:
        """Tell whether a URL has the scheme, the host and the port of this server: only there the key may be sent."""
        ours, theirs = urlsplit(self.url), urlsplit(url)
        return (ours.scheme, ours.hostname, ours.port) == (theirs.scheme, theirs.hostname, theirs.port)

    def request(self, url: str, params: Params = (), stream: bool = False) -> requests.Response:
        """Get the response from a URL and follow redirects. The key is sent to this server and to no other host."""
        renewed = False
        for _ in range(REDIRECTS + 2):
            header = self.key.header(renewed) if self.is_same_origin(url) else {}
            response = self._get_with_retries(url, params, header, stream)
            if response.status_code == 401 and self.is_same_origin(url):
                if self.key.kind == TokenKind.PERSONAL and not renewed:
                    renewed = True
                    continue
                raise LabelStudioError(self.key.refusal_message(self._error_detail(response)))
            if response.is_redirect:
                url, params = urljoin(response.url, response.headers["Location"]), ()
                continue
            if not response.ok:
                raise LabelStudioError(
                    f"{without_query(response.url)} answered {response.status_code}: {self._error_detail(response)}",
                    response.status_code,
                )
            return response
        raise LabelStudioError(f"{without_query(url)}: more than {REDIRECTS} redirects", 302)

    def _get_with_retries(self, url: str, params: Params, header: Mapping[str, str], stream: bool) -> requests.Response:
        failure, status = "", 0
        for wait_s in (*self._retry_after_s, None):
            try:
                response = self._session.get(url, params=list(params), headers=header, stream=stream, **self._options)
                if response.status_code not in TRANSIENT_STATUSES:
                    return response
                failure, status = f"{response.status_code}: {self._error_detail(response)}", response.status_code
            except requests.RequestException as error:
                failure, status = f"{type(error).__name__}: {without_queries(str(error))}", 0
            if wait_s is not None:
                self._sleep(wait_s)
        raise LabelStudioError(
            f"{without_query(url)} did not answer in {len(self._retry_after_s) + 1} tries "
            f"({failure}): is LABEL_STUDIO_URL right, and is Label Studio running?",
            status,
        )

    def _exchange(self, token: str) -> str:
        url = urljoin(self.url, "api/token/refresh/")
        try:
            response = self._session.post(url, json={"refresh": token}, **self._options)
        except requests.RequestException as error:
            raise LabelStudioError(f"{url} did not answer ({error}): is LABEL_STUDIO_URL right?") from error
        try:
            return str(response.json()["access"])
        except (ValueError, KeyError, TypeError) as error:
            detail = f"{response.status_code}: {self._error_detail(response)}"
            raise LabelStudioError(self.key.refusal_message(detail)) from error

    def _error_detail(self, response: requests.Response) -> str:
        return error_detail(response, self.key.secrets())

    def _task_pages(self, project: str, query: Mapping[str, Any], include: str) -> Iterator[list[Any]]:
        def get_page(number: int) -> tuple[list[Any], bool]:
            answer = self._tasks(project, number, TASKS_PAGE, query, include)
            # The page after the last one is a 404.
            return answer["tasks"], len(answer["tasks"]) < TASKS_PAGE or number * TASKS_PAGE >= answer["total"]

        return read_pages(get_page)

    def _tasks(
        self, project: str, page: int, size: int, query: Mapping[str, Any], include: str = "id,updated_at"
    ) -> Any:
        # `resolve_uri`: the images' own URLs are wanted. Those through the server end in a minute.
        fields = [("fields", "all"), ("include", include), ("resolve_uri", "false")]
        filters = [("query", json.dumps(query))] if query else []
        return self.get("api/tasks/", [("project", project), ("page", page), ("page_size", size), *fields, *filters])
