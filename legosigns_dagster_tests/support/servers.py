"""Real servers for tests, on free ports of this machine: SeaweedFS (S3) and Label Studio."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import requests

from legosigns_dagster_tests.support.environment import ROOT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class S3Server:
    """A running SeaweedFS, and the keys to it."""

    endpoint: str
    process: "subprocess.Popen[bytes] | None" = None
    access_key: str = "tester"
    secret_key: str = "tester-secret"

    def as_reader(self) -> "S3Server":
        """The same server with a key that may list and read, but not write."""
        return replace(self, access_key="reader", secret_key="reader-secret")

    def client(self) -> "S3Client":
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name="us-east-1",
        )

    @contextlib.contextmanager
    def new_bucket(self, name: str) -> Iterator[str]:
        """Make an empty bucket, and delete it at the end: each takes some of SeaweedFS's few volumes."""
        client = self.client()
        client.create_bucket(Bucket=name)
        yield name
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
            if keys := [{"Key": item["Key"]} for item in page.get("Contents", [])]:
                client.delete_objects(Bucket=name, Delete={"Objects": keys})  # type: ignore[typeddict-item]
        client.delete_bucket(Bucket=name)

    def environment(self, bucket: str) -> dict[str, str]:
        return {
            "AWS_S3_BUCKET": bucket,
            "AWS_S3_ENDPOINT": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@dataclass(frozen=True)
class LabelStudio:
    """A running Label Studio with a fresh database, and the keys to it."""

    url: str
    personal_token: str
    legacy_token: str
    process: "subprocess.Popen[bytes]"
    data: Path

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API with the legacy token, and return the JSON of the answer."""
        header = {"Authorization": f"Token {self.legacy_token}"}
        answer = requests.request(method, f"{self.url}/api/{path}", json=body, headers=header, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None


LABEL_STUDIO = ROOT / ".label-studio"
EMAIL, PASSWORD, LEGACY_TOKEN = "admin@example.com", "adminadmin1", "0123456789abcdef0123456789abcdef01234567"


@contextlib.contextmanager
def label_studio(folder: Path) -> Iterator[LabelStudio]:
    """Run a Label Studio whose data is in `folder`.

    Its database is a copy of one that the first start ever made, which takes a minute.
    """
    template = LABEL_STUDIO / "template"
    if not template.exists():
        shutil.rmtree(LABEL_STUDIO / "first", ignore_errors=True)  # left by a start that was interrupted
        with label_studio_process(LABEL_STUDIO / "first"):
            pass
        (LABEL_STUDIO / "first").rename(template)
    shutil.copytree(template, folder / "data")
    with label_studio_process(folder / "data") as (url, process):
        yield LabelStudio(url, personal_token(url), LEGACY_TOKEN, process, folder / "data")


@contextlib.contextmanager
def label_studio_process(data: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Run a Label Studio on this data folder, and give its address and its process."""
    program = LABEL_STUDIO / "bin" / "label-studio"
    if not program.exists():
        raise RuntimeError(f"{program} is missing: `make test` installs it")
    data.mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    command = [str(program), "start", "--no-browser", "--port", str(port), "--username", EMAIL]
    command += ["--password", PASSWORD, "--user-token", LEGACY_TOKEN, "--enable-legacy-api-token"]
    settings = {"LABEL_STUDIO_BASE_DATA_DIR": str(data), "SSRF_PROTECTION_ENABLED": "false", "SENTRY_DSN": "",
                "FRONTEND_SENTRY_DSN": "", "COLLECT_ANALYTICS": "false", "LATEST_VERSION_CHECK": "false",
                "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
                "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(data),
                "PATH": "/usr/bin:/bin", "HOME": str(data)}  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with (data / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=settings, stdout=log, stderr=log, cwd=data)
    try:
        deadline = time.monotonic() + 240
        while not is_healthy(url):
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(f"Label Studio did not start: {(data / 'server.log').read_text()[-2000:]}")
            time.sleep(0.3)
        yield url, process
    finally:
        stop(process)


def is_healthy(url: str) -> bool:
    """Whether Label Studio answers."""
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{url}/health", timeout=2).ok
    return False


def personal_token(url: str) -> str:
    """Log in and make a personal access token, as a person does."""
    with requests.Session() as session:
        login = f"{url}/user/login/"
        session.get(login, timeout=30)
        form = {"email": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        session.post(login, data=form, headers={"Referer": login}, allow_redirects=False, timeout=30)
        header = {"X-CSRFToken": session.cookies["csrftoken"], "Referer": url}
        return str(session.post(f"{url}/api/token/", json={}, headers=header, timeout=30).json()["token"])


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop a server, by force if it does not stop within 20 seconds."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_ports(count: int) -> list[int]:
    """Find ports that are free now. Port + 10000 is left free too: SeaweedFS uses it as a second one."""
    ports: list[int] = []
    while len(ports) < count:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port < 50000 and not {port - 10000, port, port + 10000} & set(ports):
            ports.append(port)
    return ports


@contextlib.contextmanager
def seaweedfs(folder: Path) -> Iterator[S3Server]:
    """Run a SeaweedFS whose data is in `folder`."""
    master, volume, filer, s3, webdav, admin = free_ports(6)
    ports = {"master": master, "volume": volume, "filer": filer, "s3": s3, "webdav": webdav, "admin": admin}
    command = [
        str(Path(sys.executable).parent / "weed"),
        "mini",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
    ]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    server = S3Server(f"http://127.0.0.1:{s3}")
    allowed = {server: ["Admin", "Read", "Write", "List", "Tagging"], server.as_reader(): ["Read", "List"]}
    identities = [
        {"name": key.access_key, "actions": actions,
         "credentials": [{"accessKey": key.access_key, "secretKey": key.secret_key}]}
        for key, actions in allowed.items()
    ]  # fmt: skip
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    command += [f"-s3.config={folder / 's3.json'}"]
    # Without TMPDIR it leaves its cache in the machine's folder for temporary files, in each test run another one.
    keys = {"PATH": "/usr/bin:/bin", "TMPDIR": str(folder)}
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, env=keys, stdout=log, stderr=log, cwd=folder)
    try:
        wait_until_ready(server, process, folder / "weed.log")
        yield replace(server, process=process)
    finally:
        stop(process)


def wait_until_ready(server: S3Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until a bucket can be made.

    Raises:
        RuntimeError: the server stopped, or took a minute. The message has the end of its log.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(Exception):
            requests.get(server.endpoint, timeout=2)
            server.client().create_bucket(Bucket=f"ready-{time.time_ns()}")
            return
        time.sleep(0.3)
    raise RuntimeError(f"SeaweedFS did not start: {log.read_text()[-2000:]}")
