"""A step that dies or waits in a cluster says why in the run's log, where people look."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from legosigns_dagster_tests.kubernetes.conftest import GPU, Site
from legosigns_dagster_tests.kubernetes.pods import Pod

# One light asset stands for every step: what happens to its pod does not depend on what it computes.
STEP = "sign_cutouts"


def launch(site: Site, step: str, **pod: Any) -> str:
    """A run of one asset whose pod differs by these settings in the Launchpad."""
    config = {"execution": {"config": {"per_step_k8s_config": {step: pod}}}} if pod else {}
    return site.console.launch(assets=[step], config=config)


def memory(amount: str) -> dict[str, Any]:
    return {"resources": {"requests": {"memory": amount}, "limits": {"memory": amount}}}


@pytest.fixture(scope="module")
def ended(site: Site) -> dict[str, str]:
    """The runs of this module by what befalls them, started at once since each waits for a health check."""
    runs = {
        "memory": launch(site, STEP, container_config=memory("40Mi")),
        "image": launch(site, STEP, container_config={"image": "registry.example.com/legosigns-dagster:gone"}),
        "secret": launch(
            site, STEP, container_config={"env_from": [{"secret_ref": {"name": "legosigns-s3-of-another-team"}}]}
        ),
        "gpus": launch(
            site,
            "model_weights",
            container_config={"resources": {"requests": {GPU: "2"}, "limits": {GPU: "2"}}},
            job_spec_config={"active_deadline_seconds": 45},
        ),
    }
    site.console.wait(*runs.values())
    return runs


def pod_of(site: Site, run_id: str, step: str, there: Callable[[Pod], bool]) -> Pod:
    """The pod of a step of a run, once it is as it should be."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        with site.cluster.lock:
            for pod in site.cluster.past:
                labels = pod.manifest["metadata"]["labels"]
                if labels["dagster/run-id"] == run_id and pod.step == step and there(pod):
                    return pod
        time.sleep(0.1)
    raise AssertionError(f"no such pod of {step} in run {run_id}: {[p.manifest['status'] for p in site.cluster.past]}")


def is_running(pod: Pod) -> bool:
    return pod.phase == "Running"


def test_a_step_that_runs_out_of_memory_names_its_limit_and_what_to_set(site: Site, ended: dict[str, str]) -> None:
    told = site.console.failure(ended["memory"], STEP)
    assert "out of memory" in told
    assert "at its limit, 40Mi (OOMKilled)" in told
    assert f"per_step_k8s_config.{STEP}.container_config.resources" in told


def test_an_image_that_is_not_there_is_named_soon_and_ends_the_step(site: Site, ended: dict[str, str]) -> None:
    told = "the image registry.example.com/legosigns-dagster:gone of pod "
    assert any(told in warning for warning in site.console.warnings(ended["image"]))
    failure = site.console.failure(ended["image"], STEP)
    assert told in failure
    assert "not found. Look at its name and tag" in failure


def test_a_secret_that_is_not_there_is_named_and_ends_the_step(site: Site, ended: dict[str, str]) -> None:
    assert 'secret "legosigns-s3-of-another-team" not found' in site.console.failure(ended["secret"], STEP)


def test_a_pod_for_which_no_node_has_gpus_warns_while_it_waits_and_fails_at_its_deadline(
    site: Site, ended: dict[str, str]
) -> None:
    told = f"it asks for {GPU} 2, and not as much is free where it may run"
    assert any(told in warning for warning in site.console.warnings(ended["gpus"]))
    failure = site.console.failure(ended["gpus"], "model_weights")
    assert "its deadline passed" in failure
    assert told in failure


def test_no_pod_is_left_of_a_step_that_was_given_up(site: Site, ended: dict[str, str]) -> None:
    left = [pod.manifest["metadata"]["labels"]["dagster/run-id"] for pod in site.cluster.pods.values() if not pod.over]
    assert not set(left) & set(ended.values())


def test_a_step_whose_pod_is_evicted_repeats_what_the_node_said(site: Site) -> None:
    run_id = launch(site, STEP)
    site.cluster.evict(pod_of(site, run_id, STEP, is_running))
    assert site.console.wait(run_id) == ["FAILURE"]
    told = site.console.failure(run_id, STEP)
    assert "was evicted by its node cpu-1: The node was low on resource: memory" in told


def test_a_step_whose_pod_is_gone_with_its_node_still_says_so(site: Site) -> None:
    run_id = launch(site, STEP)
    site.cluster.lose_node(pod_of(site, run_id, STEP, is_running))
    assert site.console.wait(run_id) == ["FAILURE"]
    assert "its pod was removed: TaintManagerEviction, Marking for" in site.console.failure(run_id, STEP)


def test_a_namespace_without_quota_for_a_gpu_is_named_and_the_step_starts_when_there_is(site: Site) -> None:
    site.cluster.quota[GPU] = 0
    try:
        run_id = launch(site, "model_weights", job_spec_config={"active_deadline_seconds": 40})
        assert site.console.wait(run_id) == ["FAILURE"]
    finally:
        del site.cluster.quota[GPU]
    told = site.console.failure(run_id, "model_weights")
    assert "exceeded quota: team, requested: requests.nvidia.com/gpu=1" in told
    assert "The namespace's quota is used up" in told
