"""A step gets its pod by every way to start a run: the Materialize button, a backfill, the job (test_whole_job)."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from legosigns_dagster_tests.support.cluster.console import TIMEOUT_S
from legosigns_dagster_tests.support.cluster.deployed_release import DeployedRelease
from legosigns_dagster_tests.support.cluster.scheduler import GPU

TOLERATION = {"key": GPU, "operator": "Exists", "effect": "NoSchedule"}
SELECTED = ["sign_cutouts", "model_weights"]


def start_runs(release: DeployedRelease, route: str) -> list[str]:
    """Start runs this way and return their ids. The test ends them before they train."""
    before = set(release.console.runs())
    if route == "button":
        release.console.launch(assets=SELECTED)
    else:
        release.console.backfill(SELECTED)
    deadline = time.monotonic() + TIMEOUT_S
    while not set(release.console.runs()) - before:
        assert time.monotonic() < deadline, f"{route} started no run"
        time.sleep(0.5)
    return list(set(release.console.runs()) - before)


def wait_for_pod_spec(release: DeployedRelease, run_ids: list[str], step: str) -> dict[str, Any]:
    """Wait for the pod of a step of one of these runs, and return its spec as the API server got it."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        with release.cluster.lock:
            for job in release.cluster.created_jobs:
                labels = job["metadata"]["labels"]
                if labels["dagster/run-id"] in run_ids and labels.get("dagster/op") == step:
                    spec: dict[str, Any] = job["spec"]["template"]["spec"]
                    return spec
        time.sleep(0.2)
    raise AssertionError(f"no pod was created for {step}")


@pytest.fixture(params=["button", "backfill"])
def started_runs(release: DeployedRelease, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    run_ids = start_runs(release, request.param)
    yield run_ids
    release.console.terminate(*run_ids)
    release.console.wait(*run_ids)


def test_each_route_gives_each_step_its_pod(release: DeployedRelease, started_runs: list[str]) -> None:
    small, gpu = (wait_for_pod_spec(release, started_runs, step) for step in SELECTED)
    resources = [spec["containers"][0]["resources"] for spec in (small, gpu)]
    assert [each["limits"].get(GPU) for each in resources] == [None, "1"]
    assert [each["limits"] == each["requests"] for each in resources] == [True, True]
    assert TOLERATION in gpu["tolerations"]
    assert "tolerations" not in small
    for spec in (small, gpu):
        (container,) = spec["containers"]
        assert {"name": "LEGOSIGNS_DEPLOYMENT", "value": "kubernetes"} in container["env"]
        assert {"secretRef": {"name": "legosigns-s3"}} in container["envFrom"]


def test_a_run_that_is_stopped_takes_its_pods_with_it(release: DeployedRelease) -> None:
    run_ids = start_runs(release, "button")
    wait_for_pod_spec(release, run_ids, "sign_cutouts")
    release.console.terminate(*run_ids)
    assert release.console.wait(*run_ids) == ["CANCELED"]
    deadline = time.monotonic() + 60
    while any(
        pod.manifest["metadata"]["labels"]["dagster/run-id"] in run_ids and not pod.has_ended
        for pod in release.cluster.all_pods
    ):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert not any(
        pod.manifest["metadata"]["labels"]["dagster/run-id"] in run_ids for pod in release.cluster.pods.values()
    )
