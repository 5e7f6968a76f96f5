"""The scheduler: chooses a node for a pod, or says in Kubernetes' own words why no node takes it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from legosigns_dagster_tests.support.cluster.manifests import Json

GPU = "nvidia.com/gpu"


@dataclass(frozen=True)
class Node:
    """A node of the cluster. CPUs and memory are not counted.

    Attributes:
        name: The node's name.
        devices: How many of each device it has, such as `{"nvidia.com/gpu": 1}`.
        labels: The node's labels.
        taint: The key of a taint with the effect NoSchedule. Empty: none.
    """

    name: str = "cpu-1"
    devices: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    taint: str = ""


def device_counts(pod: Json) -> Counter[str]:
    """Count the devices that a pod asks for."""
    (container,) = pod["spec"]["containers"]
    limits = container.get("resources", {}).get("limits", {})
    return Counter({name: int(count) for name, count in limits.items() if "/" in name})


def find_obstacle(pod: Json, node: Node, in_use: Counter[str]) -> str:
    """Find out why the pod cannot run on this node, where these devices are in use. Empty: it can."""
    spec = pod["spec"]
    tolerated = [t.get("key") for t in spec.get("tolerations", []) if t.get("effect") in (None, "NoSchedule")]
    if node.taint and node.taint not in tolerated:
        return f"node(s) had untolerated taint {{{node.taint}: }}"
    if not spec.get("nodeSelector", {}).items() <= node.labels.items():
        return "node(s) didn't match Pod's node affinity/selector"
    for name, count in device_counts(pod).items():
        if node.devices.get(name, 0) - in_use[name] < count:
            return f"Insufficient {name}"
    return ""


def choose_node(pod: Json, nodes: Sequence[Node], in_use: Mapping[str, Counter[str]]) -> tuple[str, str]:
    """Choose a node, where these devices are in use on each.

    Returns:
        The node's name and an empty message, or an empty name and the scheduler's message.
    """
    obstacles: Counter[str] = Counter()
    for node in nodes:
        obstacle = find_obstacle(pod, node, in_use.get(node.name, Counter()))
        if not obstacle:
            return node.name, ""
        obstacles[obstacle] += 1
    reasons = ", ".join(f"{count} {text}" for text, count in obstacles.items())
    return "", f"0/{len(nodes)} nodes are available: {reasons}."
