"""No secret leaves the memory of the process that needs it."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._serdes import serialize_value

from legosigns_dagster.core.redaction import written_forms
from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.errors import LabelStudioError
from legosigns_dagster_tests.support.helm_chart import container_contexts, values
from legosigns_dagster_tests.support.servers import S3Server
from legosigns_dagster_tests.support.step_jobs import KUBERNETES, job_in_pods, only_container, step_job
from legosigns_dagster_tests.support.workplace import MODULE, Workplace

LABEL_STUDIO_KEY = "planted-label-studio-key"
WRONG_S3_SECRET = "planted-wrong-secret"
# The shortest run.
SETTINGS = {
    "synthetic_set": {"images": 8},
    "model_weights": {"epochs": 1, "image_size": 64, "replay": 0.1, "lego_repeats": 1},
}


@contextmanager
def repeating_server(headers: list[str]) -> Iterator[str]:
    """Run a server without any data, whose error pages repeat the request, and give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers.append(self.headers["Authorization"] or "")
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            self.send_response(404)
            self.end_headers()
            self.wfile.write(f"nothing here for {body} {self.headers}".encode())

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def find_secrets(texts: dict[str, str | bytes], secrets: tuple[str, ...]) -> list[str]:
    """Find secrets in texts, in every form that libraries write: which, and in which text."""
    plain = {name: text.encode() if isinstance(text, str) else text for name, text in texts.items()}
    forms = [form.encode() for secret in secrets for form in written_forms(secret)]
    return [f"{form!r} in {name}" for name, text in plain.items() for form in forms if form in text]


def instance_texts(place: Workplace) -> dict[str, str | bytes]:
    """Read all that Dagster keeps of the runs: logs, events with metadata, run config, plans, its files."""
    texts: dict[str, str | bytes] = {
        str(file): file.read_bytes() for file in (place.folder / "home").rglob("*") if file.is_file()
    }
    with place.instance() as instance:
        for run in instance.get_runs():
            texts[f"run {run.run_id}"] = serialize_value(run)
            texts[f"events of {run.run_id}"] = "\n".join(serialize_value(e) for e in instance.all_logs(run.run_id))
            assert run.job_snapshot_id
            assert run.execution_plan_snapshot_id
            texts["job"] = serialize_value(instance.get_job_snapshot(run.job_snapshot_id))
            texts["plan"] = serialize_value(instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id))
    return texts


def bucket_texts(server: S3Server, bucket: str) -> dict[str, str | bytes]:
    """Read all objects of the bucket: snapshots, images, weights, the report."""
    client = server.client()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def test_a_run_leaves_no_secret_in_logs_metadata_run_config_and_store(
    s3_server: S3Server, bucket: str, tmp_path: Path
) -> None:
    headers: list[str] = []
    settings = {"ops": {name: {"config": config} for name, config in SETTINGS.items()}}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with repeating_server(headers) as url:
        # As `echo KEY | base64` makes a secret of Kubernetes.
        labels = {"LABEL_STUDIO_URL": f"{url}\n", "LABEL_STUDIO_API_KEY": f" {LABEL_STUDIO_KEY}\n"}
        keys = {name: f"{value}\n" for name, value in s3_server.environment(bucket).items()}
        place = Workplace(tmp_path, keys | labels, dotenv=True)
        printed = place.run("job", "execute", *MODULE, "-j", "traffic_signs", "-c", str(tmp_path / "run.yaml"))
    # The key was used: one image of the sample is missing, and its URL is Label Studio's.
    assert f"Token {LABEL_STUDIO_KEY}" in headers
    stored = bucket_texts(s3_server, bucket)
    assert any(key.endswith("/comparison.html") for key in stored)
    kept = instance_texts(place)
    assert any("lost.jpg" in str(text) for text in kept.values())
    secrets = (LABEL_STUDIO_KEY, s3_server.secret_key)
    assert find_secrets({"terminal": printed, **kept, **stored}, secrets) == []


def test_a_personal_token_that_is_exchanged_is_not_repeated() -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"token_type": "refresh"}).encode()).decode().rstrip("=")
    token = f"planted.{claims}.token"
    with repeating_server([]) as url, pytest.raises(LabelStudioError, match="nothing here for") as refused:
        LabelStudioClient(url, token).get("api/projects/1")
    assert token not in str(refused.value)
    assert "…" in str(refused.value)


def test_a_run_that_s3_refuses_does_not_print_its_key(s3_server: S3Server, bucket: str, tmp_path: Path) -> None:
    settings = s3_server.environment(bucket) | {"AWS_SECRET_ACCESS_KEY": WRONG_S3_SECRET}
    place = Workplace(tmp_path, settings)
    printed = place.run("asset", "materialize", *MODULE, "--select", "base_weights", fails=True)
    assert find_secrets({"terminal": printed, **instance_texts(place)}, (WRONG_S3_SECRET,)) == []


def test_a_pod_gets_references_to_secrets_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = {"AWS_SECRET_ACCESS_KEY": KUBERNETES["AWS_SECRET_ACCESS_KEY"], "AWS_ACCESS_KEY_ID": "planted-key-id",
               "LABEL_STUDIO_API_KEY": LABEL_STUDIO_KEY}  # fmt: skip
    for name, value in planted.items():
        monkeypatch.setenv(name, value)
    layers = container_contexts(values())
    jobs = {node.name: step_job(node.name, tmp_path, layers) for node in job_in_pods().nodes}
    assert len(jobs) == 12
    assert find_secrets({step: json.dumps(job) for step, job in jobs.items()}, tuple(planted.values())) == []
    for job in jobs.values():
        assert only_container(job)["envFrom"] == [{"secretRef": {"name": "legosigns-s3"}}]
        assert {entry["name"] for entry in only_container(job)["env"]} & set(planted) == set()
