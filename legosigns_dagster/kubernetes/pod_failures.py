"""Why the pod of a step failed or does not start, in plain words, and what to do about it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from legosigns_dagster.kubernetes.pod_fields import Json, container_limits, node_name, pod_name

# Reasons for which a container cannot start, however long one waits.
IMAGE_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
CONFIG_REASONS = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
# Reasons for which a node ends a pod or removes it.
NODE_REASONS = ("NodeLost", "NodeShutdown", "Shutdown", "Terminated", "NodeAffinity", "Preempting")
REMOVAL_REASONS = ("Preempted", "Evicted", "TaintManagerEviction", "NodeNotReady", "Killing")
# Exit code of a container: 128 and the number of the signal.
EXIT_CODES = {
    132: "SIGILL: its CPU does not have an instruction of the program",
    134: "SIGABRT: the program aborted itself",
    135: "SIGBUS: usually a full /dev/shm, whose size is size_limit of the volume shm",
    136: "SIGFPE: an arithmetic error",
    137: "SIGKILL from outside: by its node, or for memory that a process inside it ran out of",
    139: "SIGSEGV: a segmentation fault in native code",
    143: "SIGTERM: it was asked to end, by a drained node or by a person",
}
QUOTA_ADVICE = " The namespace's quota is used up: wait until another pod ends, or raise the ResourceQuota"
DEADLINE_ADVICE = "to change it: active_deadline_seconds of its"


@dataclass(frozen=True)
class PodProblem:
    """Why a pod failed or waits.

    Attributes:
        sentence: What is wrong, and what to do.
        permanent: Whether waiting does not help: somebody has to change something.
    """

    sentence: str
    permanent: bool = False


def explain(pod: Json, events: Sequence[Json] = (), log: str = "") -> PodProblem | None:
    """Find the problem of a pod.

    Args:
        pod: The pod as the Kubernetes API returns it.
        events: Its events, the oldest first.
        log: The last lines that it printed.

    Returns:
        None for a pod that runs, has succeeded or waits for no known reason.
    """
    status = pod.get("status", {})
    problem = explain_eviction(pod, status) or explain_exit(pod, status, log)
    problem = problem or explain_failed_start(pod, status, events) or explain_unschedulable(pod, status)
    if problem is None and status.get("phase") == "Failed":
        return PodProblem(f"{pod_name(pod)} failed: {status.get('message') or 'Kubernetes gives no reason'}")
    return problem


def explain_missing(job_events: Sequence[Json], pod_events: Sequence[Json]) -> PodProblem | None:
    """Find out from events why a job has no pod: it was not created, it waits in a queue, or it was removed."""
    for event in reversed(job_events):
        reason, message = event.get("reason"), event.get("message", "")
        if reason == "SuccessfulCreate":
            break  # what was wrong before is over
        if reason == "FailedCreate":
            advice = QUOTA_ADVICE if "exceeded quota" in message else ""
            return PodProblem(f"Kubernetes does not create a pod for it: {message}.{advice}")
        if reason == "Suspended":
            return PodProblem("its job is suspended: it starts when its queue has room (see `kubectl get workloads`)")
    for event in reversed(pod_events):
        if event.get("reason") in REMOVAL_REASONS:
            return PodProblem(f"its pod was removed: {event['reason']}, {event.get('message', '')}")
    return None


def newest_pod_name(job_events: Sequence[Json]) -> str:
    """Read from a job's events the name of its newest pod, which may be gone already. Empty: it never had one."""
    names = [e.get("message", "").split()[-1] for e in job_events if e.get("reason") == "SuccessfulCreate"]
    return names[-1] if names else ""


def explain_deadline(conditions: Sequence[Json]) -> str:
    """Say that the job reached its deadline and how to set a later one. Empty: it did not."""
    if not any(condition.get("reason") == "DeadlineExceeded" for condition in conditions):
        return ""
    return f"its deadline passed, waiting counted ({DEADLINE_ADVICE} job_spec_config)"


def explain_eviction(pod: Json, status: Json) -> PodProblem | None:
    """Find out whether the pod's node ended, refused or evicted it."""
    name, node = pod_name(pod), node_name(pod)
    reason, message = status.get("reason", ""), str(status.get("message", "")).strip()
    if reason == "Evicted":
        advice = "ask for what the step needs (requests equal to limits are evicted last)"
        if "ephemeral-storage" in message or "DiskPressure" in message or "nodefs" in message:
            advice = "ask for disk, with ephemeral-storage in its requests and limits"
        return PodProblem(f"{name} was evicted by its node {node}: {message} To prevent it, {advice}")
    if reason == "DeadlineExceeded":
        return PodProblem(f"{name} worked until its deadline ({DEADLINE_ADVICE} pod_spec_config)")
    if status.get("phase") == "Failed" and (reason.startswith("OutOf") or reason == "UnexpectedAdmissionError"):
        return PodProblem(f"{name} was refused by node {node} ({reason}): {message}")
    if status.get("phase") == "Failed" and reason in NODE_REASONS:
        return PodProblem(f"{name} ended because its node {node} did ({reason}): {message}")
    for condition in status.get("conditions") or ():
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
            cause = f"{condition.get('reason', '')}: {condition.get('message', '')}"
            return PodProblem(f"{name} was preempted on node {node} ({cause})")
    return None


def explain_exit(pod: Json, status: Json, log: str) -> PodProblem | None:
    """Find out whether a container ended with an error or was killed."""
    for container in status.get("containerStatuses") or ():
        end = container.get("state", {}).get("terminated") or {}
        if end.get("reason") == "OOMKilled":
            return PodProblem(explain_out_of_memory(pod))
        code = end.get("exitCode", 0)
        if code:
            cause = EXIT_CODES.get(code, "an error before the step could report one")
            last = f". The end of its log:\n{log}" if log.strip() else ""
            return PodProblem(f"{pod_name(pod)} ended with exit code {code}, {cause}{last}")
    return None


def explain_out_of_memory(pod: Json) -> str:
    """Say that a container was killed at its memory limit, and which settings raise the limit."""
    limits, step = container_limits(pod), pod.get("metadata", {}).get("labels", {}).get("dagster/op", "<step>")
    variable = "LEGOSIGNS_GPU_POD_MEMORY for every run, or " if any("/" in name for name in limits) else ""
    limit = limits.get("memory", "the memory of its node")
    return (
        f"out of memory: {pod_name(pod)} was killed at its limit, {limit} (OOMKilled). Give it more: {variable}"
        f"execution.config.per_step_k8s_config.{step}.container_config.resources in the Launchpad, requests and "
        "limits alike; or make the step smaller (batch, image_size)"
    )


def explain_failed_start(pod: Json, status: Json, events: Sequence[Json]) -> PodProblem | None:
    """Find out whether the pod's node cannot start a container."""
    warnings = [str(e.get("message", "")) for e in events if e.get("type") == "Warning"]
    for container in status.get("containerStatuses") or ():
        waiting = container.get("state", {}).get("waiting") or {}
        reason, message = waiting.get("reason", ""), waiting.get("message", "")
        if reason in IMAGE_REASONS:
            cause = next((text for text in reversed(warnings) if "pull image" in text), message)
            text = f"the image {container['image']} of {pod_name(pod)} cannot be pulled: {cause}"
            advice = "Check its name and tag, and imagePullSecrets for a private registry"
            return PodProblem(f"{text}. {advice}", permanent=True)
        if reason in CONFIG_REASONS:
            return PodProblem(f"{pod_name(pod)} cannot start ({reason}): {message}", permanent=True)
    mounts = [text for text in warnings if text.startswith(("MountVolume", "Unable to attach or mount"))]
    if mounts and status.get("phase") == "Pending":
        return PodProblem(f"{pod_name(pod)} cannot start: {mounts[-1]}", permanent=True)
    return None


def explain_unschedulable(pod: Json, status: Json) -> PodProblem | None:
    """Find out whether no node can take the pod."""
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            message = str(condition.get("message", ""))
            why = "; ".join(scheduler_reasons(pod, message)) or "see `kubectl describe` of it"
            return PodProblem(f"no node for {pod_name(pod)}: {why}. The scheduler says: {message}")
    return None


def scheduler_reasons(pod: Json, message: str) -> list[str]:
    """Translate the scheduler's message: each reason, with what would change it."""
    message, limits = message.split(" preemption:")[0], container_limits(pod)
    reasons = []
    for resource in dict.fromkeys(re.findall(r"Insufficient ([\w./-]+?)(?=[,.]?(?:\s|$))", message)):
        amount = limits.get(resource, "more than there is")
        place = "where it may run: it starts when another pod ends" if "/" in resource else "on one node"
        reasons.append(f"it asks for {resource} {amount}, and less is free {place}")
    for taint in dict.fromkeys(re.findall(r"untolerated taint\(?s?\)? \{([^}]*)\}", message)):
        key = taint.split(":")[0].split("=")[0].strip()
        reasons.append(f"nodes with the taint {key} do not take it: it needs a toleration for {key}")
    if "node affinity/selector" in message:
        reasons.append(f"no node has the labels of its node_selector {pod.get('spec', {}).get('nodeSelector', {})}")
    return reasons
