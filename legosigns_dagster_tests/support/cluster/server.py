"""The Kubernetes API of the stand-in cluster, as far as dagster-k8s and the kubernetes client use it."""

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

from legosigns_dagster_tests.support.cluster.cluster import Cluster, ConflictError
from legosigns_dagster_tests.support.cluster.manifests import InvalidManifestError, Json
from legosigns_dagster_tests.support.cluster.scheduler import Node

Query = dict[str, str]
NAMESPACE = "legosigns"


class ApiError(Exception):
    """An answer with an error status."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


def matches(item: Json, query: Query) -> bool:
    """Check whether the query's selectors, all of the form a=b, select this object."""
    labels = item["metadata"].get("labels", {})
    for pair in filter(None, query.get("labelSelector", "").split(",")):
        key, value = pair.split("=", 1)
        if labels.get(key) != value:
            return False
    for pair in filter(None, query.get("fieldSelector", "").split(",")):
        path, value = pair.split("=", 1)
        field: Any = item
        for key in path.split("."):
            field = field.get(key, {})
        if field != value:
            return False
    return True


class Api:
    """What each method and path does. There is only one namespace, whatever a path says."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        jobs, core = r"/apis/batch/v1/namespaces/[^/]+/jobs", r"/api/v1/namespaces/[^/]+"
        self.routes: list[tuple[str, str, Callable[..., Any]]] = [
            ("POST", rf"{jobs}", self.create_job),
            ("GET", rf"{jobs}", self.list_jobs),
            ("GET", rf"{jobs}/([^/]+)(?:/status)?", self.read_job),
            ("DELETE", rf"{jobs}/([^/]+)", self.delete_job),
            ("GET", rf"{core}/pods", self.list_pods),
            ("GET", rf"{core}/pods/([^/]+)(?:/status)?", self.read_pod),
            ("GET", rf"{core}/pods/([^/]+)/log", self.read_log),
            ("DELETE", rf"{core}/pods/([^/]+)", self.delete_pod),
            ("GET", rf"{core}/events", self.list_events),
        ]

    def answer(self, method: str, target: str, body: Json) -> tuple[str, str]:
        """Answer a request.

        Returns:
            The content type and the text.

        Raises:
            ApiError: A real server would answer with an error.
        """
        split = urlsplit(target)
        query = {key: values[-1] for key, values in parse_qs(split.query).items()}
        for known, pattern, action in self.routes:
            match = re.fullmatch(pattern, split.path)
            if known == method and match:
                try:
                    with self.cluster.lock:
                        answer = action(*match.groups(), query=query, body=body)
                        return (
                            ("text/plain", answer)
                            if isinstance(answer, str)
                            else ("application/json", json.dumps(answer))
                        )
                except KeyError as error:
                    raise ApiError(404, "NotFound", f"{error} not found") from error
                except ConflictError as error:
                    raise ApiError(409, "AlreadyExists", f'jobs.batch "{error}" already exists') from error
                except InvalidManifestError as error:
                    raise ApiError(422, "Invalid", str(error)) from error
        raise ApiError(501, "NotImplemented", f"the stand-in does not know {method} {split.path}")

    def create_job(self, query: Query, body: Json) -> Json:
        body["metadata"].setdefault("namespace", NAMESPACE)
        return self.cluster.create_job(body)

    def list_jobs(self, query: Query, body: Json) -> Json:
        return list_object("batch/v1", "JobList", list(self.cluster.jobs.values()), query)

    def read_job(self, name: str, query: Query, body: Json) -> Json:
        return self.cluster.jobs[name]

    def delete_job(self, name: str, query: Query, body: Json) -> Json:
        # A server leaves the pods of a batch/v1 job behind unless it is told otherwise.
        policy = (body or {}).get("propagationPolicy") or query.get("propagationPolicy", "Orphan")
        self.cluster.delete_job(name, pods_too=policy != "Orphan")
        return {"apiVersion": "v1", "kind": "Status", "status": "Success"}

    def list_pods(self, query: Query, body: Json) -> Json:
        return list_object("v1", "PodList", [pod.manifest for pod in self.cluster.pods.values()], query)

    def read_pod(self, name: str, query: Query, body: Json) -> Json:
        return self.cluster.pods[name].manifest

    def read_log(self, name: str, query: Query, body: Json) -> str:
        pod = self.cluster.pods[name]
        if pod.container is None:
            raise ApiError(400, "BadRequest", f'container in pod "{name}" is waiting to start')
        lines = pod.container.log().splitlines(keepends=True)
        return "".join(lines[-int(query["tailLines"]) :] if "tailLines" in query else lines)

    def delete_pod(self, name: str, query: Query, body: Json) -> Json:
        self.cluster.delete_pod(name)
        return self.cluster.pods[name].manifest

    def list_events(self, query: Query, body: Json) -> Json:
        return list_object("v1", "EventList", self.cluster.events, query)


def list_object(version: str, kind: str, items: list[Json], query: Query) -> Json:
    """Make a list object of the items that the query selects."""
    return {"apiVersion": version, "kind": kind, "metadata": {}, "items": [i for i in items if matches(i, query)]}


def make_handler(api: Api) -> type[BaseHTTPRequestHandler]:
    """Make a request handler that answers for this API."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"null")
            code = 201 if self.command == "POST" else 200
            try:
                kind, text = api.answer(self.command, self.path, body)
            except ApiError as error:
                code, kind = error.code, "application/json"
                status = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code}
                text = json.dumps(status | {"reason": error.reason, "message": str(error)})
            content = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = respond  # noqa: N815

        def log_message(self, format: str, *arguments: object) -> None:
            """Print nothing: the cluster keeps its own records."""

    return Handler


@contextlib.contextmanager
def run_cluster(folder: Path, nodes: Sequence[Node], images: set[str]) -> Iterator[Cluster]:
    """Run a cluster that answers on a free port until the end of the block, with a kubeconfig in `folder`."""
    kubeconfig = folder / "kubeconfig"
    cluster = Cluster(folder / "pods", nodes, images, {"KUBECONFIG": str(kubeconfig)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), make_handler(Api(cluster)))
    server.daemon_threads = True
    address = f"http://127.0.0.1:{server.server_address[1]}"
    named = {
        "clusters": [{"name": "stand-in", "cluster": {"server": address}}],
        "users": [{"name": "dagster", "user": {"token": "a-token"}}],
        "contexts": [{"name": "here", "context": {"cluster": "stand-in", "user": "dagster", "namespace": NAMESPACE}}],
    }
    kubeconfig.write_text(
        yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": "here", **named}), encoding="utf-8"
    )
    thread = threading.Thread(target=server.serve_forever, name="kubernetes api")
    thread.start()
    try:
        with cluster.run_controllers():
            yield cluster
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
