"""Which node a pod fits on, and otherwise why none: in the scheduler's own words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from legosigns_dagster_tests.support.cluster.manifests import Json


@dataclass(frozen=True)
class Node:
    """A machine of the cluster. CPUs and memory are this machine's, and not counted."""

    name: str = "cpu-1"
    devices: Mapping[str, int] = field(default_factory=dict)  # "nvidia.com/gpu" to how many
    labels: Mapping[str, str] = field(default_factory=dict)
    taint: str = ""  # the key of a taint with the effect NoSchedule


def devices_of(pod: Json) -> Counter[str]:
    """The extended resources that a pod asks for."""
    (container,) = pod["spec"]["containers"]
    asked = container.get("resources", {}).get("limits", {})
    return Counter({name: int(count) for name, count in asked.items() if "/" in name})


def obstacle(pod: Json, node: Node, taken: Counter[str]) -> str:
    """Why the pod cannot run on this node, where `taken` is what runs there already; empty when it can."""
    spec = pod["spec"]
    tolerated = [t.get("key") for t in spec.get("tolerations", []) if t.get("effect") in (None, "NoSchedule")]
    if node.taint and node.taint not in tolerated:
        return f"node(s) had untolerated taint {{{node.taint}: }}"
    if not spec.get("nodeSelector", {}).items() <= node.labels.items():
        return "node(s) didn't match Pod's node affinity/selector"
    for name, count in devices_of(pod).items():
        if node.devices.get(name, 0) - taken[name] < count:
            return f"Insufficient {name}"
    return ""


def choose(pod: Json, nodes: Sequence[Node], taken: Mapping[str, Counter[str]]) -> tuple[str, str]:
    """The name of a node and nothing, or nothing and the scheduler's message."""
    obstacles: Counter[str] = Counter()
    for node in nodes:
        found = obstacle(pod, node, taken.get(node.name, Counter()))
        if not found:
            return node.name, ""
        obstacles[found] += 1
    reasons = ", ".join(f"{count} {text}" for text, count in obstacles.items())
    return "", f"0/{len(nodes)} nodes are available: {reasons}."


GPU = "nvidia.com/gpu"
