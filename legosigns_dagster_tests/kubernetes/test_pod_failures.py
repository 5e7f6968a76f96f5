"""What Kubernetes says of a pod, in plain words: each case as a cluster tells it."""

from typing import Any

import pytest

from legosigns_dagster.kubernetes.pod_failures import Trouble, created_pod, explain, explain_deadline, explain_missing

GPU = "nvidia.com/gpu"


def pod(status: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """The GPU pod of a training with this status."""
    limits = {"cpu": "4", "memory": "16Gi", GPU: "1"}
    containers = [{"name": "dagster", "image": "registry/legosigns:7", "resources": {"limits": limits}}]
    labels = {"dagster/op": "model_weights"}
    about = {"name": "dagster-step-1", "labels": labels}
    return {"metadata": about, "spec": {"nodeName": "gpu-1", "containers": containers, **spec}, "status": status}


def died(code: int, how: str = "Error", **status: Any) -> dict[str, Any]:
    state = {"terminated": {"exitCode": code, "reason": how}}
    return pod({"phase": "Failed", "containerStatuses": [{"name": "dagster", "state": state}], **status})


def waits(reason: str, message: str = "") -> dict[str, Any]:
    container = {
        "name": "dagster",
        "image": "registry/legosigns:7",
        "state": {"waiting": {"reason": reason, "message": message}},
    }
    return pod({"phase": "Pending", "containerStatuses": [container]})


def nowhere(message: str, **spec: Any) -> dict[str, Any]:
    told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return pod({"phase": "Pending", "conditions": [told]}, **spec)


def warning(reason: str, message: str) -> dict[str, Any]:
    return {"type": "Warning", "reason": reason, "message": message}


def said(found: Trouble | None) -> str:
    assert found is not None
    return found.sentence


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (died(137, "OOMKilled"), ["out of memory", "at its limit, 16Gi", "LEGOSIGNS_GPU_POD_MEMORY",
                                  "per_step_k8s_config.model_weights.container_config.resources"]),
        (died(137), ["exit code 137", "SIGKILL, from outside"]),
        (died(135), ["exit code 135", "/dev/shm", "size_limit"]),
        (died(1), ["exit code 1", "before the step could report one"]),
        (died(137, reason="Evicted", message="The node was low on resource: memory."),
         ["was evicted by its node gpu-1", "low on resource: memory", "requests equal to limits"]),
        (pod({"phase": "Failed", "reason": "Evicted", "message": "Container uses ephemeral-storage over its limit."}),
         ["evicted", "ask for disk, with ephemeral-storage"]),
        (pod({"phase": "Failed", "reason": "UnexpectedAdmissionError", "message": "Allocate failed due to devices"}),
         ["was refused by node gpu-1", "Allocate failed"]),
        (died(143, conditions=[{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler",
                                "message": "preempting to accommodate a higher priority pod"}]),
         ["had to make room", "PreemptionByScheduler", "higher priority"]),
        (pod({"phase": "Failed", "reason": "NodeShutdown", "message": "Pod was terminated in response to shutdown"}),
         ["ended with its node gpu-1", "in response to shutdown"]),
        (pod({"phase": "Failed"}), ["failed: Kubernetes gives no reason"]),
        (waits("ImagePullBackOff", 'Back-off pulling image "registry/legosigns:7"'),
         ["the image registry/legosigns:7", "cannot be pulled", "imagePullSecrets"]),
        (waits("CreateContainerConfigError", 'secret "legosigns-s3" not found'),
         ["cannot start (CreateContainerConfigError)", 'secret "legosigns-s3" not found']),
        (nowhere(f"0/3 nodes are available: 1 Insufficient {GPU}, 2 Insufficient memory. preemption: 0/3 nodes are "
                 "available: 3 No preemption victims found for incoming pod."),
         [f"it asks for {GPU} 1, and not as much is free where it may run", "memory 16Gi", "is free on one node"]),
        (nowhere("0/2 nodes are available: 2 node(s) had untolerated taint {dedicated: training}."),
         ["nodes with the taint dedicated are closed to it", "needs a toleration for dedicated"]),
        (nowhere("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
                 nodeSelector={"pool": "gpu"}), ["no node carries the labels of its node_selector {'pool': 'gpu'}"]),
        (nowhere("0/1 nodes are available: 1 node(s) were unschedulable."), ["kubectl describe", "were unschedulable"]),
    ],
    ids=["oom", "killed", "bus error", "crash", "evicted", "evicted for disk", "device gone", "preempted",
         "node shut down", "no reason", "image", "secret", "no gpu", "taint", "selector", "cordoned"],
)  # fmt: skip
def test_a_pod_in_trouble_is_explained(of: dict[str, Any], words: list[str]) -> None:
    sentence = said(explain(of))
    assert [word for word in words if word not in sentence] == []


@pytest.mark.parametrize("phase", ["Pending", "Running", "Succeeded"])
def test_a_pod_that_is_well_is_left_alone(phase: str) -> None:
    assert explain(pod({"phase": phase, "containerStatuses": [{"name": "dagster", "state": {"running": {}}}]})) is None


def test_a_pod_that_runs_is_not_blamed_for_a_warning_of_its_start() -> None:
    late = [warning("FailedMount", "MountVolume.SetUp failed for volume")]
    assert explain(pod({"phase": "Running"}), late) is None


def test_only_what_waiting_cannot_mend_is_permanent() -> None:
    found = [explain(waits("ImagePullBackOff")), explain(waits("CreateContainerConfigError")), explain(nowhere("0/1"))]
    assert [one.permanent for one in found if one] == [True, True, False]


def test_the_event_tells_more_of_an_image_than_the_status() -> None:
    told = [warning("Failed", 'Failed to pull image "x": unauthorized'), warning("Failed", "Error: ErrImagePull")]
    assert "unauthorized" in said(explain(waits("ErrImagePull", "rpc error"), told))


def test_a_volume_that_cannot_be_mounted_is_named() -> None:
    told = [warning("FailedMount", 'MountVolume.SetUp failed for volume "ca": configmap "company-ca" not found')]
    assert 'configmap "company-ca" not found' in said(explain(pod({"phase": "Pending"}), told))


def test_the_end_of_its_log_follows_a_crash_and_nothing_else() -> None:
    assert "ModuleNotFoundError: cv2" in said(explain(died(1), log="ModuleNotFoundError: cv2"))
    assert "epoch 3" not in said(explain(died(137, "OOMKilled"), log="epoch 3"))


def test_a_job_without_a_pod_is_explained_by_its_events() -> None:
    quota = warning("FailedCreate", 'pods "x" is forbidden: exceeded quota: team, requested: requests.nvidia.com/gpu=1')
    assert "The namespace's quota is used up" in said(explain_missing([quota], []))
    account = warning("FailedCreate", 'serviceaccount "dagster" not found')
    assert said(explain_missing([account], [])).endswith('serviceaccount "dagster" not found.')
    gone = warning("TaintManagerEviction", "Marking for deletion Pod a/b")
    assert "its pod was removed: TaintManagerEviction" in said(explain_missing([], [gone]))
    assert explain_missing([], []) is None


def test_a_pod_that_is_gone_is_found_by_the_event_of_its_creation() -> None:
    assert (
        created_pod([{"reason": "SuccessfulCreate", "message": "Created pod: dagster-step-1-x"}]) == "dagster-step-1-x"
    )
    assert created_pod([]) == ""


def test_a_deadline_says_how_to_move_it() -> None:
    assert "active_deadline_seconds" in explain_deadline([{"reason": "DeadlineExceeded"}])
    assert explain_deadline([{"reason": "BackoffLimitExceeded"}]) == ""
