"""Why a step's pod died or does not start, in plain words: from what Kubernetes says of it to what to do about it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]

# Reasons for which a container cannot start that do not go away by waiting.
IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
BROKEN = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
SIGNALS = {
    132: "an instruction that its CPU does not have (SIGILL)",
    134: "an abort of its own (SIGABRT)",
    135: "a bus error: mostly a full /dev/shm, whose size is size_limit of the volume shm",
    136: "an arithmetic error (SIGFPE)",
    137: "SIGKILL, from outside: its node, or memory that a process within it ran out of",
    139: "a segmentation fault in native code",
    143: "SIGTERM: it was asked to end, by a drained node or by a person",
}


@dataclass(frozen=True)
class Trouble:
    """What is wrong and what to do. `permanent`: waiting does not help, somebody has to change something."""

    sentence: str
    permanent: bool = False


def explain(pod: Json, events: Sequence[Json] = (), log: str = "") -> Trouble | None:
    """The trouble that this pod is in, by its status, its warning events and the end of its log; None for none."""
    status = pod.get("status", {})
    found = (
        sent_away(pod, status) or ended(pod, status, log) or not_started(pod, status, events) or unplaced(pod, status)
    )
    if found is None and status.get("phase") == "Failed":
        return Trouble(f"{name_of(pod)} failed: {status.get('message') or 'Kubernetes gives no reason'}")
    return found


def explain_missing(job_events: Sequence[Json], pod_events: Sequence[Json]) -> Trouble | None:
    """Why a job has no pod: it was not allowed one, or its pod was removed; None where nothing tells."""
    for event in reversed(job_events):
        if event.get("reason") == "FailedCreate":
            return Trouble(f"Kubernetes makes no pod for it: {event.get('message', '')}.{about_quota(event)}")
    for event in reversed(pod_events):
        if event.get("reason") in ("Preempted", "Evicted", "TaintManagerEviction", "NodeNotReady", "Killing"):
            return Trouble(f"its pod was removed: {event['reason']}, {event.get('message', '')}")
    return None


def created_pod(job_events: Sequence[Json]) -> str:
    """The name of the pod that was made for a job, which outlives the pod in the job's events; empty for none."""
    made = [e.get("message", "").split()[-1] for e in job_events if e.get("reason") == "SuccessfulCreate"]
    return made[-1] if made else ""


def explain_deadline(conditions: Sequence[Json]) -> str:
    """That the job was ended at its deadline, and how to move it; empty where it was not."""
    if not any(one.get("reason") == "DeadlineExceeded" for one in conditions):
        return ""
    return "its deadline passed, waiting counted (active_deadline_seconds of its job_spec_config moves it)"


def about_quota(event: Json) -> str:
    """What a used-up quota means for the one who waits; nothing where it is no quota."""
    if "exceeded quota" not in event.get("message", ""):
        return ""
    return " The namespace's quota is used up: the step starts when another pod ends, or with a larger ResourceQuota"


def sent_away(pod: Json, status: Json) -> Trouble | None:
    """A pod that its node did not keep or did not take."""
    reason, message = status.get("reason", ""), str(status.get("message", "")).strip()
    if reason == "Evicted":
        advice = "ask for what the step needs (requests equal to limits are evicted last)"
        if "ephemeral-storage" in message or "DiskPressure" in message or "nodefs" in message:
            advice = "ask for disk, with ephemeral-storage in its requests and limits"
        return Trouble(f"{name_of(pod)} was evicted by its node {node_of(pod)}: {message} To prevent it, {advice}")
    if status.get("phase") == "Failed" and (reason.startswith("OutOf") or reason == "UnexpectedAdmissionError"):
        return Trouble(f"{name_of(pod)} was refused by node {node_of(pod)} ({reason}): {message}")
    if status.get("phase") == "Failed" and reason in (
        "NodeLost",
        "NodeShutdown",
        "Shutdown",
        "Terminated",
        "NodeAffinity",
        "Preempting",
    ):
        return Trouble(f"{name_of(pod)} was ended with its node {node_of(pod)} ({reason}): {message}")
    for condition in status.get("conditions") or ():
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
            told = f"{condition.get('reason', '')}: {condition.get('message', '')}"
            return Trouble(f"{name_of(pod)} had to make room on node {node_of(pod)} ({told})")
    return None


def ended(pod: Json, status: Json, log: str) -> Trouble | None:
    """A container that stopped by itself or was killed."""
    for container in status.get("containerStatuses") or ():
        end = container.get("state", {}).get("terminated") or {}
        if end.get("reason") == "OOMKilled":
            return Trouble(out_of_memory(pod))
        code = end.get("exitCode", 0)
        if code:
            cause = SIGNALS.get(code, "an error before the step could report one")
            last = f". The end of its log:\n{log}" if log.strip() else ""
            return Trouble(f"{name_of(pod)} ended with exit code {code}, {cause}{last}")
    return None


def out_of_memory(pod: Json) -> str:
    """The sentence for a container that the kernel killed at its limit, with the setting that raises it."""
    limits, step = limits_of(pod), step_of(pod)
    variable = "LEGOSIGNS_GPU_POD_MEMORY for every run, or " if any("/" in name for name in limits) else ""
    limit = limits.get("memory", "what its node has")
    return (
        f"out of memory: {name_of(pod)} was killed at its limit, {limit} (OOMKilled). Give it more: {variable}"
        f"execution.config.per_step_k8s_config.{step}.container_config.resources in the Launchpad, requests and "
        "limits alike; or make the step smaller (batch, image_size)"
    )


def not_started(pod: Json, status: Json, events: Sequence[Json]) -> Trouble | None:
    """A container that its node cannot start."""
    warnings = [str(e.get("message", "")) for e in events if e.get("type") == "Warning"]
    for container in status.get("containerStatuses") or ():
        waits = container.get("state", {}).get("waiting") or {}
        reason, message = waits.get("reason", ""), waits.get("message", "")
        if reason in IMAGE:
            said = next((text for text in reversed(warnings) if "pull image" in text), message)
            text = (
                f"the image {container['image']} of {name_of(pod)} cannot be pulled: {said}. Look at its name and tag"
            )
            return Trouble(f"{text}, and at imagePullSecrets for a private registry", permanent=True)
        if reason in BROKEN:
            return Trouble(f"{name_of(pod)} cannot start ({reason}): {message}", permanent=True)
    mounts = [text for text in warnings if text.startswith(("MountVolume", "Unable to attach or mount"))]
    if mounts and status.get("phase") == "Pending":
        return Trouble(f"{name_of(pod)} cannot start: {mounts[-1]}", permanent=True)
    return None


def unplaced(pod: Json, status: Json) -> Trouble | None:
    """A pod for which there is no node."""
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            message = str(condition.get("message", ""))
            why = "; ".join(causes(pod, message)) or "see `kubectl describe` of it"
            return Trouble(f"no node for {name_of(pod)}: {why}. The scheduler says: {message}")
    return None


def causes(pod: Json, message: str) -> list[str]:
    """The scheduler's reasons, each with what would change it."""
    message, limits = message.split(" preemption:")[0], limits_of(pod)
    found = []
    for resource in dict.fromkeys(re.findall(r"Insufficient ([\w./-]+?)(?=[,.]?(?:\s|$))", message)):
        asked = limits.get(resource, "more than there is")
        freed = (
            "is free where it may run: it starts when another pod ends" if "/" in resource else "is free on one node"
        )
        found.append(f"it asks for {resource} {asked}, and not as much {freed}")
    for taint in dict.fromkeys(re.findall(r"untolerated taint\(?s?\)? \{([^}]*)\}", message)):
        key = taint.split(":")[0].split("=")[0].strip()
        found.append(f"nodes with the taint {key} are closed to it: it needs a toleration for {key}")
    if "node affinity/selector" in message:
        found.append(f"no node carries the labels of its node_selector {pod.get('spec', {}).get('nodeSelector', {})}")
    return found


def name_of(pod: Json) -> str:
    """What people look for with kubectl."""
    return f"pod {pod.get('metadata', {}).get('name', '?')}"


def step_of(pod: Json) -> str:
    """The step that it runs, by its label."""
    return str(pod.get("metadata", {}).get("labels", {}).get("dagster/op", "<step>"))


def node_of(pod: Json) -> str:
    """The node that it was given."""
    return str(pod.get("spec", {}).get("nodeName", "?"))


def limits_of(pod: Json) -> dict[str, str]:
    """The limits of all containers."""
    found: dict[str, str] = {}
    for one in pod.get("spec", {}).get("containers", ()):
        found |= (one.get("resources") or {}).get("limits") or {}
    return found
