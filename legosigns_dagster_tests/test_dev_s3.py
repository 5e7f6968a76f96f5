"""`make dev-s3` starts everything, its UI shows what is true, and Ctrl-C ends it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from legosigns_dagster_tests.support.cluster.console import Console
from legosigns_dagster_tests.support.dev_s3 import BUCKET
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.servers import S3Server, free_ports, seaweedfs
from legosigns_dagster_tests.support.workplace import JOB, Workplace

LOCATIONS = (
    "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError { __typename } } } } }"
)

RUNS = """query($job: PipelineSelector!) { pipelineOrError(params: $job) { ... on Pipeline { runs {
  status hasReExecutePermission repositoryOrigin { repositoryLocationName } } } } }"""
DESCRIPTIONS = """{ repositoriesOrError { ... on RepositoryConnection { nodes {
  jobs { name description } sensors { name description } allTopLevelResourceDetails { name description } } } } }"""
JOB_OF_UI = {"pipelineName": "traffic_signs", "repositoryLocationName": "legosigns_dagster",
             "repositoryName": "__repository__"}  # fmt: skip


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


def require_runs_of_the_command_line(console: Console, folder: Path) -> None:
    """Look for a run that was started beside the UI on the page of its job, where it can be executed again."""
    place = Workplace(folder, {"LEGOSIGNS_STORE": str(folder / "store"), "BASE_WEIGHTS": "/nowhere/best.pt"})
    assert "BASE_WEIGHTS is /nowhere/best.pt" in place.run(*JOB, fails=True)
    origin = {"repositoryLocationName": "legosigns_dagster"}
    run = {"status": "FAILURE", "hasReExecutePermission": True, "repositoryOrigin": origin}
    assert console.ask(RUNS, job=JOB_OF_UI) == {"runs": [run]}


def require_ranges_of_settings(console: Console) -> None:
    """Ask for runs with settings out of their range, as the Launchpad and the button Materialize do."""
    config = {"ops": {"model_weights": {"config": {"epochs": 0}}, "synthetic_set": {"config": {"blur": 2}}}}
    known, began = console.runs(), time.monotonic()
    for job, assets in (("traffic_signs", []), ("__ASSET_JOB", ["synthetic_set", "model_weights"])):
        with pytest.raises(RuntimeError) as refused:
            console.launch(job, assets, config)
        assert "epochs is 0, expected 1 to 1000" in str(refused.value)
        assert "blur is 2.0, expected 0 to 1" in str(refused.value)
    assert time.monotonic() - began < 5
    assert console.runs() == known


def require_descriptions(console: Console) -> None:
    """Look for texts about all that the UI lists."""
    (repository,) = console.ask(DESCRIPTIONS)["nodes"]
    listed = [thing for things in repository.values() for thing in things if thing["name"] != "__ASSET_JOB"]
    assert {"traffic_signs", "new_annotations_sensor", "detector"} <= {thing["name"] for thing in listed}
    assert [thing["name"] for thing in listed if not thing["description"]] == []


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
    shutil.copyfile(ROOT / "dagster.yaml", home / "dagster.yaml")
    environment = os.environ | {"DAGSTER_HOME": str(home), "PYTHONWARNINGS": "ignore::FutureWarning:click.core"}
    log = tmp_path / "log"
    with log.open("w") as stderr, subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            printed = dict(process.stdout.readline().removeprefix("export ").strip().split("=", 1) for _ in range(5))
            assert wait_for_ui(f"http://127.0.0.1:{port}", process) == "RepositoryLocation"
            keys = printed["AWS_ACCESS_KEY_ID"], printed["AWS_SECRET_ACCESS_KEY"]
            client = S3Server(printed["AWS_S3_ENDPOINT"], None, *keys).client()
            assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == [printed["AWS_S3_BUCKET"]]
            client.put_object(Bucket=BUCKET, Key="kept", Body=b"bytes")
            console = Console(f"http://127.0.0.1:{port}", "legosigns_dagster")
            require_runs_of_the_command_line(console, tmp_path)
            require_ranges_of_settings(console)
            require_descriptions(console)
            # Dagster sees the file in this folder too, of which DAGSTER_HOME has a copy.
            warnings = [line for line in log.read_text().splitlines() if "WARNING" in line]
            assert [line for line in warnings if "dagster instance configuration value" not in line] == []
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
