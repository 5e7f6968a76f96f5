"""What Kubernetes says of a pod, a container, a job: the words that people and dagster-k8s read."""

import uuid
from datetime import UTC, datetime

from legosigns_dagster_tests.support.cluster.manifests import Json


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(name: str, namespace: str, **more: object) -> Json:
    """What every object has about itself."""
    own = {"name": name, "namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": now()}
    return own | more


def condition(kind: str, status: bool, reason: str = "", message: str = "") -> Json:
    found = {"type": kind, "status": str(status), "lastTransitionTime": now()}
    return found | {key: value for key, value in (("reason", reason), ("message", message)) if value}


def container_status(pod: Json, state: Json, ready: bool = False) -> list[Json]:
    """The status of the pod's only container."""
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


def pending(*conditions: Json) -> Json:
    return {"phase": "Pending", "conditions": list(conditions)}


def waiting(pod: Json, reason: str, message: str) -> Json:
    """On a node, and the container cannot start."""
    statuses = container_status(pod, {"waiting": {"reason": reason, "message": message}})
    return pending(condition("PodScheduled", True)) | {"containerStatuses": statuses}


def running(pod: Json) -> Json:
    statuses = container_status(pod, {"running": {"startedAt": now()}}, ready=True)
    conditions = [condition(kind, True) for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")]
    return {"phase": "Running", "conditions": conditions, "containerStatuses": statuses, "startTime": now()}


def ended(pod: Json, exit_code: int, reason: str) -> Json:
    """After the container's process is gone."""
    started = pod["status"].get("startTime", now())
    state = {"exitCode": exit_code, "reason": reason, "startedAt": started, "finishedAt": now()}
    return {
        "phase": "Failed" if exit_code else "Succeeded",
        "conditions": [condition("PodScheduled", True), condition("Ready", False, "PodFailed" if exit_code else "")],
        "containerStatuses": container_status(pod, {"terminated": state}),
        "startTime": started,
    }


def evicted(pod: Json, message: str) -> Json:
    """After the kubelet sent it away to save its node."""
    status = ended(pod, 137, "Error")
    disrupted = condition("DisruptionTarget", True, "TerminationByKubelet", message)
    return status | {"reason": "Evicted", "message": message, "conditions": [*status["conditions"], disrupted]}


def event(about: Json, reason: str, message: str, kind: str = "Warning") -> Json:
    """Something that happened to an object, as `kubectl describe` lists it."""
    own = about["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": metadata(f"{own['name']}.{uuid.uuid4().hex[:16]}", own["namespace"]),
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            **{k: own[k] for k in ("name", "namespace", "uid")},
        },
        "reason": reason,
        "message": message,
        "type": kind,
        "count": 1,
        "firstTimestamp": now(),
        "lastTimestamp": now(),
    }
