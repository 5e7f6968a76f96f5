"""`make dev-s3` starts everything, and Ctrl-C ends it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

from legosigns_dagster_tests.support.dev_s3 import BUCKET
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.servers import S3Server, free_ports, seaweedfs

LOCATIONS = (
    "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError { __typename } } } } }"
)


def descendants(pid: int) -> set[int]:
    """List the ids of the processes that a process started, and of those that they started."""
    children: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            children |= {int(child)} | descendants(int(child))
    return children


def wait_for_ui(url: str, process: "subprocess.Popen[str]") -> str:
    """Wait until the UI has loaded the code location, and return the type name of the result."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        try:
            answer = requests.post(f"{url}/graphql", json={"query": LOCATIONS}, timeout=10).json()
            (entry,) = answer["data"]["workspaceOrError"]["locationEntries"]
            if entry["loadStatus"] == "LOADED":
                return str(entry["locationOrLoadError"]["__typename"])
        except requests.RequestException:
            pass
        time.sleep(0.5)
    raise AssertionError(f"the UI did not answer; exit code {process.poll()}")


def test_the_ui_has_a_bucket_that_stays_and_no_process_stays(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    command = [
        sys.executable,
        "-m",
        "legosigns_dagster_tests.support.dev_s3",
        "--data",
        str(tmp_path),
        "--port",
        str(port),
    ]
    home = tmp_path / "home"
    home.mkdir()
    environment = os.environ | {"DAGSTER_HOME": str(home), "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            printed = dict(process.stdout.readline().removeprefix("export ").strip().split("=", 1) for _ in range(5))
            assert wait_for_ui(f"http://127.0.0.1:{port}", process) == "RepositoryLocation"
            keys = printed["AWS_ACCESS_KEY_ID"], printed["AWS_SECRET_ACCESS_KEY"]
            client = S3Server(printed["AWS_S3_ENDPOINT"], None, *keys).client()
            assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == [printed["AWS_S3_BUCKET"]]
            client.put_object(Bucket=BUCKET, Key="kept", Body=b"bytes")
            started = descendants(process.pid)
            assert len(started) >= 4  # the S3 server, the UI, its daemon and the code server
        finally:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does on Ctrl-C: to all processes in the foreground
            process.communicate(timeout=120)
    deadline = time.monotonic() + 10  # the process that was killed last may take a moment to disappear
    while (left := [pid for pid in started if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
    with seaweedfs(tmp_path) as again:
        assert again.client().get_object(Bucket=BUCKET, Key="kept")["Body"].read() == b"bytes"
