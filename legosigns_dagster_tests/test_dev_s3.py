"""`make dev-s3`, as a person runs and ends it."""

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


def below(pid: int) -> set[int]:
    """The processes that a process started, and those that they started."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found |= {int(child)} | below(int(child))
    return found


def wait_for_ui(url: str, process: "subprocess.Popen[str]") -> str:
    """What kind of thing the code location became, once it has loaded."""
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


def test_the_ui_comes_with_a_bucket_that_stays_and_no_process_does(tmp_path: Path) -> None:
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
            told = dict(process.stdout.readline().removeprefix("export ").strip().split("=", 1) for _ in range(5))
            assert wait_for_ui(f"http://127.0.0.1:{port}", process) == "RepositoryLocation"
            keys = told["AWS_ACCESS_KEY_ID"], told["AWS_SECRET_ACCESS_KEY"]
            client = S3Server(told["AWS_S3_ENDPOINT"], None, *keys).client()
            assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == [told["AWS_S3_BUCKET"]]
            client.put_object(Bucket=BUCKET, Key="kept", Body=b"bytes")
            started = below(process.pid)
            assert len(started) >= 4  # the S3 server, the UI, its daemon and the code server
        finally:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does on Ctrl-C: to everything in the foreground
            process.communicate(timeout=120)
    deadline = time.monotonic() + 10  # what was killed last is still being buried
    while (left := [pid for pid in started if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []
    with seaweedfs(tmp_path) as again:
        assert again.client().get_object(Bucket=BUCKET, Key="kept")["Body"].read() == b"bytes"
