"""Statuses and events of pods and jobs, as the Kubernetes API writes them."""

import uuid
from datetime import UTC, datetime

from legosigns_dagster_tests.support.cluster.manifests import Json


def now() -> str:
    """Write the current time as Kubernetes does."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(name: str, namespace: str, **more: object) -> Json:
    """Make the metadata that every object has."""
    common = {"name": name, "namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": now()}
    return common | more


def condition(kind: str, status: bool, reason: str = "", message: str = "") -> Json:
    """Make a condition of a pod or a job."""
    required = {"type": kind, "status": str(status), "lastTransitionTime": now()}
    return required | {key: value for key, value in (("reason", reason), ("message", message)) if value}


def container_status(pod: Json, state: Json, ready: bool = False) -> list[Json]:
    """Make the status of the pod's only container."""
    (container,) = pod["spec"]["containers"]
    return [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": ready,
            "started": ready,
            "restartCount": 0,
            "state": state,
        }
    ]


def pending_status(*conditions: Json) -> Json:
    """Make the status of a pod that has no node yet."""
    return {"phase": "Pending", "conditions": list(conditions)}


def waiting_status(pod: Json, reason: str, message: str) -> Json:
    """Make the status of a pod that has a node where its container cannot start."""
    statuses = container_status(pod, {"waiting": {"reason": reason, "message": message}})
    return pending_status(condition("PodScheduled", True)) | {"containerStatuses": statuses}


def running_status(pod: Json) -> Json:
    """Make the status of a pod whose process runs."""
    statuses = container_status(pod, {"running": {"startedAt": now()}}, ready=True)
    conditions = [condition(kind, True) for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")]
    return {"phase": "Running", "conditions": conditions, "containerStatuses": statuses, "startTime": now()}


def terminated_status(pod: Json, exit_code: int, reason: str) -> Json:
    """Make the status of a pod whose process has ended."""
    started = pod["status"].get("startTime", now())
    state = {"exitCode": exit_code, "reason": reason, "startedAt": started, "finishedAt": now()}
    return {
        "phase": "Failed" if exit_code else "Succeeded",
        "conditions": [condition("PodScheduled", True), condition("Ready", False, "PodFailed" if exit_code else "")],
        "containerStatuses": container_status(pod, {"terminated": state}),
        "startTime": started,
    }


def overdue_status(pod: Json) -> Json:
    """Make the status of a pod that was ended at its own deadline, which counts from its start."""
    message = "Pod was active on the node longer than the specified deadline"
    return terminated_status(pod, 137, "Error") | {"reason": "DeadlineExceeded", "message": message}


def evicted_status(pod: Json, message: str) -> Json:
    """Make the status of a pod that its node has evicted."""
    status = terminated_status(pod, 137, "Error")
    disrupted = condition("DisruptionTarget", True, "TerminationByKubelet", message)
    return status | {"reason": "Evicted", "message": message, "conditions": [*status["conditions"], disrupted]}


def event(item: Json, reason: str, message: str, kind: str = "Warning") -> Json:
    """Make an event of a pod or a job, as `kubectl describe` lists it."""
    own = item["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": metadata(f"{own['name']}.{uuid.uuid4().hex[:16]}", own["namespace"]),
        "involvedObject": {
            "apiVersion": item["apiVersion"],
            "kind": item["kind"],
            **{k: own[k] for k in ("name", "namespace", "uid")},
        },
        "reason": reason,
        "message": message,
        "type": kind,
        "count": 1,
        "firstTimestamp": now(),
        "lastTimestamp": now(),
    }
