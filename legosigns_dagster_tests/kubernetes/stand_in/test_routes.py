"""The Materialize button and a backfill give each step the pod that it should get, as the job does (test_whole_job)."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from legosigns_dagster_tests.support.cluster.console import PATIENCE_S
from legosigns_dagster_tests.support.cluster.scheduler import GPU
from legosigns_dagster_tests.support.cluster.site import Site

TOLERATION = {"key": GPU, "operator": "Exists", "effect": "NoSchedule"}
SELECTED = ["sign_cutouts", "model_weights"]


def runs_of(site: Site, route: str) -> list[str]:
    """The ids of the runs that this route starts, which are ended before they train."""
    before = set(site.console.runs())
    if route == "button":
        site.console.launch(assets=SELECTED)
    else:
        site.console.backfill(SELECTED)
    deadline = time.monotonic() + PATIENCE_S
    while not set(site.console.runs()) - before:
        assert time.monotonic() < deadline, f"no run came of {route}"
        time.sleep(0.5)
    return list(set(site.console.runs()) - before)


def accepted(site: Site, run_ids: list[str], step: str) -> dict[str, Any]:
    """The pod's spec of a step in one of these runs, as the API server got it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with site.cluster.lock:
            for job in site.cluster.accepted:
                labels = job["metadata"]["labels"]
                if labels["dagster/run-id"] in run_ids and labels.get("dagster/op") == step:
                    spec: dict[str, Any] = job["spec"]["template"]["spec"]
                    return spec
        time.sleep(0.2)
    raise AssertionError(f"no pod for {step} was asked for")


@pytest.fixture(params=["button", "backfill"])
def started(site: Site, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    run_ids = runs_of(site, request.param)
    yield run_ids
    site.console.terminate(*run_ids)
    site.console.wait(*run_ids)


def test_each_route_gives_each_step_its_pod(site: Site, started: list[str]) -> None:
    small, gpu = (accepted(site, started, step) for step in SELECTED)
    resources = [spec["containers"][0]["resources"] for spec in (small, gpu)]
    assert [each["limits"].get(GPU) for each in resources] == [None, "1"]
    assert [each["limits"] == each["requests"] for each in resources] == [True, True]
    assert TOLERATION in gpu["tolerations"]
    assert "tolerations" not in small
    for spec in (small, gpu):
        (container,) = spec["containers"]
        assert {"name": "LEGOSIGNS_DEPLOYMENT", "value": "kubernetes"} in container["env"]
        assert {"secretRef": {"name": "legosigns-s3"}} in container["envFrom"]


def test_a_run_that_is_stopped_takes_its_pods_with_it(site: Site) -> None:
    run_ids = runs_of(site, "button")
    accepted(site, run_ids, "sign_cutouts")
    site.console.terminate(*run_ids)
    assert site.console.wait(*run_ids) == ["CANCELED"]
    deadline = time.monotonic() + 60
    while any(
        pod.manifest["metadata"]["labels"]["dagster/run-id"] in run_ids and not pod.over for pod in site.cluster.past
    ):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert not any(
        pod.manifest["metadata"]["labels"]["dagster/run-id"] in run_ids for pod in site.cluster.pods.values()
    )
