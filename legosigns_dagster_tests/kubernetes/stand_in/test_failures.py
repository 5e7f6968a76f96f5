"""A step that dies or waits in a cluster says why in the run's log, where people look."""

import time
from typing import Any

import pytest

from legosigns_dagster_tests.support.cluster.console import PATIENCE_S
from legosigns_dagster_tests.support.cluster.scheduler import GPU
from legosigns_dagster_tests.support.cluster.site import Site

# One light asset stands for every step: what happens to its pod does not depend on what it computes.
STEP = "sign_cutouts"
FORBIDDEN = "nvidia.com/mig-1g.5gb"
DEADLINE = {"job_spec_config": {"active_deadline_seconds": 45}}


def launch(site: Site, step: str, **pod: Any) -> str:
    """A run of one asset whose pod differs by these settings in the Launchpad."""
    config = {"execution": {"config": {"per_step_k8s_config": {step: pod}}}} if pod else {}
    return site.console.launch(assets=[step], config=config)


def devices(name: str, count: str) -> dict[str, Any]:
    return {"resources": {"requests": {name: count}, "limits": {name: count}}}


def memory(amount: str) -> dict[str, Any]:
    return {"resources": {"requests": {"memory": amount}, "limits": {"memory": amount}}}


@pytest.fixture(scope="module")
def ended(site: Site, begun: str) -> dict[str, str]:
    """The runs of this module by what befalls them, started at once since each waits for a health check."""
    closed = {"key": GPU, "operator": "Exists", "effect": "NoSchedule"}
    site.cluster.quota[FORBIDDEN] = 0
    pods: dict[str, dict[str, Any]] = {
        "evicted": {},
        "lost": {},
        "memory": {"container_config": memory("40Mi")},
        "image": {"container_config": {"image": "registry.example.com/legosigns-dagster:gone"}},
        "secret": {"container_config": {"env_from": [{"secret_ref": {"name": "secret-of-another-team"}}]}},
        "gpus": {"container_config": devices(GPU, "2"), "pod_spec_config": {"tolerations": [closed]}, **DEADLINE},
        "quota": {"container_config": devices(FORBIDDEN, "1"), **DEADLINE},
    }
    runs = {name: launch(site, STEP, **pod) for name, pod in pods.items()}
    blows = {"evicted": site.cluster.evict, "lost": site.cluster.lose_node}
    limit_s = time.monotonic() + PATIENCE_S
    while blows:
        assert time.monotonic() < limit_s, f"these pods never ran: {list(blows)}"
        for pod in [pod for pod in list(site.cluster.past) if pod.step and pod.phase == "Running"]:
            befallen = [name for name in blows if runs[name] == pod.manifest["metadata"]["labels"]["dagster/run-id"]]
            for name in befallen:
                blows.pop(name)(pod)
        time.sleep(0.05)
    assert site.console.wait(*runs.values()) == ["FAILURE"] * len(runs)
    return runs


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
    assert "not found. Check its name and tag" in failure


def test_a_secret_that_is_not_there_is_named_and_ends_the_step(site: Site, ended: dict[str, str]) -> None:
    assert 'secret "secret-of-another-team" not found' in site.console.failure(ended["secret"], STEP)


def test_a_pod_for_which_no_node_has_gpus_warns_while_it_waits_and_fails_at_its_deadline(
    site: Site, ended: dict[str, str]
) -> None:
    told = f"it asks for {GPU} 2, and less is free where it may run"
    assert any(told in warning for warning in site.console.warnings(ended["gpus"]))
    failure = site.console.failure(ended["gpus"], STEP)
    assert "its deadline passed" in failure
    assert told in failure


def test_a_quota_that_is_used_up_is_named_with_what_was_asked_for(site: Site, ended: dict[str, str]) -> None:
    told = site.console.failure(ended["quota"], STEP)
    assert f"exceeded quota: team, requested: requests.{FORBIDDEN}=1" in told
    assert "The namespace's quota is used up" in told


def test_a_step_whose_pod_is_evicted_repeats_what_the_node_said(site: Site, ended: dict[str, str]) -> None:
    told = site.console.failure(ended["evicted"], STEP)
    assert "was evicted by its node cpu-1: The node was low on resource: memory" in told


def test_a_step_whose_pod_is_gone_with_its_node_still_says_so(site: Site, ended: dict[str, str]) -> None:
    told = site.console.failure(ended["lost"], STEP)
    assert "its pod was removed: TaintManagerEviction, Marking for deletion" in told


def test_no_pod_is_left_of_a_step_that_was_given_up(site: Site, ended: dict[str, str]) -> None:
    pods = [pod for pod in site.cluster.pods.values() if pod.step and not pod.over]
    assert not {pod.manifest["metadata"]["labels"]["dagster/run-id"] for pod in pods} & set(ended.values())
