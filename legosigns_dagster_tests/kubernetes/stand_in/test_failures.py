"""When a step's pod fails or waits, the run's log says why."""

import time
from typing import Any

import pytest

from legosigns_dagster_tests.support.cluster.console import TIMEOUT_S
from legosigns_dagster_tests.support.cluster.deployed_release import DeployedRelease
from legosigns_dagster_tests.support.cluster.scheduler import GPU

# One small asset stands for every step: what happens to its pod does not depend on what it computes.
STEP = "sign_cutouts"
FORBIDDEN = "nvidia.com/mig-1g.5gb"
DEADLINE: dict[str, Any] = {"job_spec_config": {"active_deadline_seconds": 45}}


def launch(release: DeployedRelease, step: str, **pod: Any) -> str:
    """Start a run of one asset, with these settings for its pod in the Launchpad. Returns the run's id."""
    config = {"execution": {"config": {"per_step_k8s_config": {step: pod}}}} if pod else {}
    return release.console.launch(assets=[step], config=config)


def devices(name: str, count: str) -> dict[str, Any]:
    """Make the container settings that ask for devices."""
    return {"resources": {"requests": {name: count}, "limits": {name: count}}}


def memory(amount: str) -> dict[str, Any]:
    """Make the container settings that ask for memory."""
    return {"resources": {"requests": {"memory": amount}, "limits": {"memory": amount}}}


@pytest.fixture(scope="module")
def failed_runs(release: DeployedRelease, whole_run_id: str) -> dict[str, str]:
    """The ids of failed runs by the kind of failure. All start at once, since each waits for health checks."""
    toleration = {"key": GPU, "operator": "Exists", "effect": "NoSchedule"}
    release.cluster.quota[FORBIDDEN] = 0
    pods: dict[str, dict[str, Any]] = {
        "evicted": {},
        "lost": {},
        "memory": {"container_config": memory("40Mi")},
        "image": {"container_config": {"image": "registry.example.com/legosigns-dagster:gone"}},
        "secret": {"container_config": {"env_from": [{"secret_ref": {"name": "secret-of-another-team"}}]}},
        "gpus": {"container_config": devices(GPU, "2"), "pod_spec_config": {"tolerations": [toleration]}, **DEADLINE},
        "overdue": {"pod_spec_config": {"active_deadline_seconds": 1}},
        "quota": {"container_config": devices(FORBIDDEN, "1"), **DEADLINE},
    }
    runs = {name: launch(release, STEP, **pod) for name, pod in pods.items()}
    pod_losses = {"evicted": release.cluster.evict, "lost": release.cluster.lose_node}
    deadline = time.monotonic() + TIMEOUT_S
    while pod_losses:
        assert time.monotonic() < deadline, f"these pods never ran: {list(pod_losses)}"
        for pod in [pod for pod in list(release.cluster.all_pods) if pod.step and pod.phase == "Running"]:
            kinds = [name for name in pod_losses if runs[name] == pod.manifest["metadata"]["labels"]["dagster/run-id"]]
            for name in kinds:
                pod_losses.pop(name)(pod)
        time.sleep(0.05)
    assert release.console.wait(*runs.values()) == ["FAILURE"] * len(runs)
    return runs


def test_a_step_that_runs_out_of_memory_names_its_limit_and_what_to_set(
    release: DeployedRelease, failed_runs: dict[str, str]
) -> None:
    failure = release.console.failure(failed_runs["memory"], STEP)
    assert "out of memory" in failure
    assert "at its limit, 40Mi (OOMKilled)" in failure
    assert f"per_step_k8s_config.{STEP}.container_config.resources" in failure


def test_an_image_that_is_not_there_is_named_soon_and_ends_the_step(
    release: DeployedRelease, failed_runs: dict[str, str]
) -> None:
    reason = "the image registry.example.com/legosigns-dagster:gone of pod "
    assert any(reason in warning for warning in release.console.warnings(failed_runs["image"]))
    failure = release.console.failure(failed_runs["image"], STEP)
    assert reason in failure
    assert "not found. Check its name and tag" in failure


def test_a_secret_that_is_not_there_is_named_and_ends_the_step(
    release: DeployedRelease, failed_runs: dict[str, str]
) -> None:
    assert 'secret "secret-of-another-team" not found' in release.console.failure(failed_runs["secret"], STEP)


def test_a_pod_for_which_no_node_has_gpus_warns_while_it_waits_and_fails_at_its_deadline(
    release: DeployedRelease, failed_runs: dict[str, str]
) -> None:
    reason = f"it asks for {GPU} 2, and less is free where it may run"
    assert any(reason in warning for warning in release.console.warnings(failed_runs["gpus"]))
    failure = release.console.failure(failed_runs["gpus"], STEP)
    assert "its deadline passed" in failure
    assert reason in failure


def test_a_step_that_works_too_long_is_ended_at_its_deadline_and_says_how_to_change_it(
    release: DeployedRelease, failed_runs: dict[str, str]
) -> None:
    failure = release.console.failure(failed_runs["overdue"], STEP)
    assert "worked until its deadline" in failure
    assert "active_deadline_seconds of its pod_spec_config" in failure


def test_a_quota_that_is_used_up_is_named_with_what_was_asked_for(
    release: DeployedRelease, failed_runs: dict[str, str]
) -> None:
    failure = release.console.failure(failed_runs["quota"], STEP)
    assert f"exceeded quota: team, requested: requests.{FORBIDDEN}=1" in failure
    assert "The namespace's quota is used up" in failure


def test_a_step_whose_pod_is_evicted_repeats_what_the_node_said(
    release: DeployedRelease, failed_runs: dict[str, str]
) -> None:
    failure = release.console.failure(failed_runs["evicted"], STEP)
    assert "was evicted by its node cpu-1: The node was low on resource: memory" in failure


def test_a_step_whose_pod_is_lost_with_its_node_says_so(release: DeployedRelease, failed_runs: dict[str, str]) -> None:
    failure = release.console.failure(failed_runs["lost"], STEP)
    assert "its pod was removed: TaintManagerEviction, Marking for deletion" in failure


def test_no_pod_is_left_of_a_step_that_was_given_up(release: DeployedRelease, failed_runs: dict[str, str]) -> None:
    pods = [pod for pod in release.cluster.pods.values() if pod.step and not pod.has_ended]
    assert not {pod.manifest["metadata"]["labels"]["dagster/run-id"] for pod in pods} & set(failed_runs.values())
