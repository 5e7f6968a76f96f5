"""Problems of pods are explained in plain words. Each case is a status as a real cluster reports it."""

from typing import Any

import pytest

from legosigns_dagster.kubernetes.pod_failures import (
    PodProblem,
    explain,
    explain_deadline,
    explain_missing,
    newest_pod_name,
)

GPU = "nvidia.com/gpu"


def pod(status: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """Make the GPU pod of a training with this status."""
    limits = {"cpu": "4", "memory": "16Gi", GPU: "1"}
    containers = [{"name": "dagster", "image": "registry/legosigns:7", "resources": {"limits": limits}}]
    labels = {"dagster/op": "model_weights"}
    metadata = {"name": "dagster-step-1", "labels": labels}
    return {"metadata": metadata, "spec": {"nodeName": "gpu-1", "containers": containers, **spec}, "status": status}


def failed_pod(code: int, how: str = "Error", **status: Any) -> dict[str, Any]:
    state = {"terminated": {"exitCode": code, "reason": how}}
    return pod({"phase": "Failed", "containerStatuses": [{"name": "dagster", "state": state}], **status})


def waiting_pod(reason: str, message: str = "") -> dict[str, Any]:
    container = {
        "name": "dagster",
        "image": "registry/legosigns:7",
        "state": {"waiting": {"reason": reason, "message": message}},
    }
    return pod({"phase": "Pending", "containerStatuses": [container]})


def unschedulable_pod(message: str, **spec: Any) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return pod({"phase": "Pending", "conditions": [condition]}, **spec)


def warning(reason: str, message: str) -> dict[str, Any]:
    return {"type": "Warning", "reason": reason, "message": message}


def sentence_for(problem: PodProblem | None) -> str:
    assert problem is not None
    return problem.sentence


@pytest.mark.parametrize(
    ("failed", "words"),
    [
        (failed_pod(137, "OOMKilled"), ["out of memory", "at its limit, 16Gi", "LEGOSIGNS_GPU_POD_MEMORY",
                                        "per_step_k8s_config.model_weights.container_config.resources"]),
        (failed_pod(137), ["exit code 137", "SIGKILL from outside"]),
        (failed_pod(135), ["exit code 135", "SIGBUS", "/dev/shm", "size_limit"]),
        (failed_pod(1), ["exit code 1", "before the step could report one"]),
        (failed_pod(137, reason="Evicted", message="The node was low on resource: memory."),
         ["was evicted by its node gpu-1", "low on resource: memory", "requests equal to limits"]),
        (pod({"phase": "Failed", "reason": "Evicted", "message": "Container uses ephemeral-storage over its limit."}),
         ["evicted", "ask for disk, with ephemeral-storage"]),
        (pod({"phase": "Failed", "reason": "UnexpectedAdmissionError", "message": "Allocate failed due to devices"}),
         ["was refused by node gpu-1", "Allocate failed"]),
        (failed_pod(143, conditions=[{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler",
                                      "message": "preempting to accommodate a higher priority pod"}]),
         ["was preempted on node gpu-1", "PreemptionByScheduler", "higher priority"]),
        (pod({"phase": "Failed", "reason": "NodeShutdown", "message": "Pod was terminated in response to shutdown"}),
         ["ended because its node gpu-1 did", "in response to shutdown"]),
        (failed_pod(137, reason="DeadlineExceeded", message="Pod was active on the node longer than the deadline"),
         ["worked until its deadline", "active_deadline_seconds of its pod_spec_config"]),
        (pod({"phase": "Failed"}), ["failed: Kubernetes gives no reason"]),
        (waiting_pod("ImagePullBackOff", 'Back-off pulling image "registry/legosigns:7"'),
         ["the image registry/legosigns:7", "cannot be pulled", "imagePullSecrets"]),
        (waiting_pod("CreateContainerConfigError", 'secret "legosigns-s3" not found'),
         ["cannot start (CreateContainerConfigError)", 'secret "legosigns-s3" not found']),
        (unschedulable_pod(f"0/3 nodes are available: 1 Insufficient {GPU}, 2 Insufficient memory. preemption: 0/3 "
                           "nodes are available: 3 No preemption victims found for incoming pod."),
         [f"it asks for {GPU} 1, and less is free where it may run", "memory 16Gi, and less is free on one node"]),
        (unschedulable_pod("0/2 nodes are available: 2 node(s) had untolerated taint {dedicated: training}."),
         ["nodes with the taint dedicated do not take it", "needs a toleration for dedicated"]),
        (unschedulable_pod("0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
                           nodeSelector={"pool": "gpu"}),
         ["no node has the labels of its node_selector {'pool': 'gpu'}"]),
        (unschedulable_pod("0/1 nodes are available: 1 node(s) were unschedulable."),
         ["kubectl describe", "were unschedulable"]),
    ],
    ids=["oom", "killed", "bus error", "crash", "evicted", "evicted for disk", "device gone", "preempted",
         "node shut down", "deadline", "no reason", "image", "secret", "no gpu", "taint", "selector", "cordoned"],
)  # fmt: skip
def test_a_pod_with_a_problem_is_explained(failed: dict[str, Any], words: list[str]) -> None:
    sentence = sentence_for(explain(failed))
    assert [word for word in words if word not in sentence] == []


@pytest.mark.parametrize("phase", ["Pending", "Running", "Succeeded"])
def test_a_pod_that_runs_or_waits_for_a_moment_has_no_problem(phase: str) -> None:
    assert explain(pod({"phase": phase, "containerStatuses": [{"name": "dagster", "state": {"running": {}}}]})) is None


def test_a_warning_of_its_start_is_no_problem_of_a_pod_that_runs() -> None:
    late = [warning("FailedMount", "MountVolume.SetUp failed for volume")]
    assert explain(pod({"phase": "Running"}), late) is None


def test_only_a_problem_that_waiting_does_not_solve_is_permanent() -> None:
    problems = [
        explain(waiting_pod("ImagePullBackOff")),
        explain(waiting_pod("CreateContainerConfigError")),
        explain(unschedulable_pod("0/1")),
    ]
    assert [problem.permanent for problem in problems if problem] == [True, True, False]


def test_an_event_says_more_about_an_image_than_the_status() -> None:
    events = [warning("Failed", 'Failed to pull image "x": unauthorized'), warning("Failed", "Error: ErrImagePull")]
    assert "unauthorized" in sentence_for(explain(waiting_pod("ErrImagePull", "rpc error"), events))


def test_a_volume_that_cannot_be_mounted_is_named() -> None:
    events = [warning("FailedMount", 'MountVolume.SetUp failed for volume "ca": configmap "company-ca" not found')]
    assert 'configmap "company-ca" not found' in sentence_for(explain(pod({"phase": "Pending"}), events))


def test_the_end_of_its_log_is_given_for_a_crash_only() -> None:
    assert "ModuleNotFoundError: cv2" in sentence_for(explain(failed_pod(1), log="ModuleNotFoundError: cv2"))
    assert "epoch 3" not in sentence_for(explain(failed_pod(137, "OOMKilled"), log="epoch 3"))


def test_a_job_without_a_pod_is_explained_by_its_events() -> None:
    quota = warning("FailedCreate", 'pods "x" is forbidden: exceeded quota: team, requested: requests.nvidia.com/gpu=1')
    assert "The namespace's quota is used up" in sentence_for(explain_missing([quota], []))
    account = warning("FailedCreate", 'serviceaccount "dagster" not found')
    assert sentence_for(explain_missing([account], [])).endswith('serviceaccount "dagster" not found.')
    gone = warning("TaintManagerEviction", "Marking for deletion Pod a/b")
    assert "its pod was removed: TaintManagerEviction" in sentence_for(explain_missing([], [gone]))
    queued = [warning("FailedCreate", "no quota"), warning("Suspended", "Job suspended")]
    assert "it starts when its queue has room" in sentence_for(explain_missing(queued, []))
    created = warning("SuccessfulCreate", "Created pod: dagster-step-1-x")
    assert "its pod was removed" in sentence_for(explain_missing([*queued, created], [gone]))
    assert explain_missing([], []) is None


def test_the_name_of_a_pod_that_is_gone_is_read_from_the_event_of_its_creation() -> None:
    assert (
        newest_pod_name([{"reason": "SuccessfulCreate", "message": "Created pod: dagster-step-1-x"}])
        == "dagster-step-1-x"
    )
    assert newest_pod_name([]) == ""


def test_a_deadline_says_how_to_change_it() -> None:
    assert "active_deadline_seconds" in explain_deadline([{"reason": "DeadlineExceeded"}])
    assert explain_deadline([{"reason": "BackoffLimitExceeded"}]) == ""
