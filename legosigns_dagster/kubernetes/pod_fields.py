"""Fields of a pod, as the Kubernetes API returns it, in words for people."""

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]


def pod_name(pod: Json) -> str:
    """Write the pod's name as people look for it with kubectl, after the word `pod`."""
    return f"pod {pod.get('metadata', {}).get('name', '?')}"


def node_name(pod: Json) -> str:
    """Read which node the pod is on."""
    return str(pod.get("spec", {}).get("nodeName", "?"))


def container_limits(pod: Json) -> dict[str, str]:
    """Collect the resource limits of the pod's containers, such as `{"memory": "16Gi"}`."""
    limits: dict[str, str] = {}
    for container in pod.get("spec", {}).get("containers", ()):
        limits |= (container.get("resources") or {}).get("limits") or {}
    return limits
