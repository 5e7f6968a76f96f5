"""Pod sizes of the steps, as op tags for dagster-k8s: the only file that spells `dagster-k8s/config`.

Every step states requests and limits, so that its pod has exactly the size that is written here. Variables set what
differs between clusters: the GPU. A deployment without Kubernetes ignores these tags.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

# What Kubernetes accepts for each value, as patterns for the whole text.
CPU = r"[1-9]\d*(\.\d+)?|0\.\d*[1-9]\d*|[1-9]\d*m"
MEMORY = r"[1-9]\d*(\.\d+)?[MGT]i?"
DOMAIN_PART = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
RESOURCE = rf"({DOMAIN_PART}\.)+{DOMAIN_PART}/[A-Za-z0-9]([A-Za-z0-9._-]{{0,61}}[A-Za-z0-9])?"
NAME = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
LABEL = rf"([a-z0-9.-]+/)?{NAME}=({NAME})?"


@dataclass(frozen=True)
class PodSpec:
    """What the pod of a step asks for.

    Attributes:
        cpu: CPUs, as request and limit, such as "4" or "500m" (half a CPU).
        memory: Memory, as request and limit, such as "16Gi".
        devices: Number of each device, as request and limit, such as `{"nvidia.com/gpu": "1"}`.
        tolerated_taints: Keys of node taints that the pod tolerates. They replace the tolerations of the launcher and
            the code location. None: those stay.
        node_selector: Labels that a node must have.
        shared_memory: Size of /dev/shm, such as "2Gi". Empty: the 64 MB of every container.
        deadline_s: Seconds until Kubernetes ends the pod, from its start on a node. 0: never.
        wait_s: Seconds that it may wait for a node first. A pod that starts in time has all of its deadline.
        queue: Name of the Kueue queue that decides when it may start. Empty: none.
    """

    cpu: str
    memory: str
    devices: Mapping[str, str] = field(default_factory=dict)
    tolerated_taints: tuple[str, ...] | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    shared_memory: str = ""
    deadline_s: int = 0
    wait_s: int = 0
    queue: str = ""

    def as_tags(self) -> dict[str, Any]:
        """Write the spec as op tags, in the keys of the Kubernetes client.

        Example:
            >>> tags = PodSpec("1", "2Gi").as_tags()
            >>> tags["dagster-k8s/config"]["container_config"]["resources"]["limits"]
            {'cpu': '1', 'memory': '2Gi'}
        """
        resources = {"cpu": self.cpu, "memory": self.memory, **self.devices}
        container: dict[str, Any] = {"resources": {"requests": resources, "limits": dict(resources)}}
        # Another pod of the same job would run a step that Dagster has already counted as failed: no second try.
        job = {"backoff_limit": 0, "ttl_seconds_after_finished": 3600}
        labels = {"job_metadata": {"labels": {QUEUE_LABEL: self.queue}}} if self.queue else {}
        pod: dict[str, Any] = {}
        if self.tolerated_taints is not None:
            pod["tolerations"] = [
                {"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in self.tolerated_taints
            ]
        if self.shared_memory:
            container["volume_mounts"] = [{"name": "shm", "mount_path": "/dev/shm"}]
            pod["volumes"] = [{"name": "shm", "empty_dir": {"medium": "Memory", "size_limit": self.shared_memory}}]
        if self.node_selector:
            pod["node_selector"] = dict(self.node_selector)
        if self.deadline_s:
            # A job's deadline counts from its creation, a pod's from its start on a node.
            pod["active_deadline_seconds"] = self.deadline_s
            job["active_deadline_seconds"] = self.wait_s + self.deadline_s
        parts = {"container_config": container, "job_spec_config": job, "pod_spec_config": pod}
        return {"dagster-k8s/config": {**parts, **labels}}


def gpu_pod(environment: Mapping[str, str]) -> PodSpec:
    """Read the pod of the steps that run the detector from the variables `LEGOSIGNS_GPU_*`.

    Raises:
        ValueError: A variable has a value that Kubernetes would not accept.
    """
    count = read_variable(environment, "LEGOSIGNS_GPU_COUNT", "1", r"\d{1,2}", "a whole number, 0 for training on CPUs")
    resource = read_variable(
        environment, "LEGOSIGNS_GPU_RESOURCE", "nvidia.com/gpu", RESOURCE, "a resource such as nvidia.com/mig-1g.5gb"
    )
    labels = read_variable(
        environment, "LEGOSIGNS_GPU_NODE_SELECTOR", "", f"(({LABEL})(,{LABEL})*)?", "labels such as pool=gpu,zone=a"
    )
    has_gpu = int(count) > 0
    return PodSpec(
        cpu=read_variable(environment, "LEGOSIGNS_GPU_POD_CPU", "4", CPU, "a number of CPUs such as 4 or 500m"),
        memory=read_variable(
            environment, "LEGOSIGNS_GPU_POD_MEMORY", "16Gi", MEMORY, "an amount of memory such as 16Gi"
        ),
        devices={resource: count} if has_gpu else {},
        tolerated_taints=tuple(taints(resource)) if has_gpu else (),
        node_selector=dict(label.split("=") for label in labels.split(",")) if labels else {},
        # PyTorch's data loaders pass images through /dev/shm. With 64 MB they end with "Bus error".
        shared_memory="2Gi",
        deadline_s=4 * 3600,
        # Nothing else ends a pod that waits for a GPU that never comes.
        wait_s=24 * 3600,
        queue=read_variable(environment, "LEGOSIGNS_GPU_QUEUE", "", f"({NAME})?", "the name of a queue such as gpus"),
    )


def taints(resource: str) -> list[str]:
    """List the keys of the taints on nodes with this resource: its own name, and NVIDIA's common key for its devices.

    Example:
        >>> taints("nvidia.com/mig-1g.5gb")
        ['nvidia.com/mig-1g.5gb', 'nvidia.com/gpu']
        >>> taints("amd.com/gpu")
        ['amd.com/gpu']
    """
    return list(dict.fromkeys([resource, *(["nvidia.com/gpu"] if resource.startswith("nvidia.com/") else [])]))


def read_variable(environment: Mapping[str, str], name: str, default: str, pattern: str, expected: str) -> str:
    """Read a variable, or take the default where it is not set.

    Raises:
        ValueError: The pattern does not match the whole value.
    """
    text = environment.get(name, "").strip() or default
    if not re.fullmatch(pattern, text):
        raise ValueError(f"{name} is {text!r}, expected {expected}")
    return text


def devices(op_tags: Mapping[str, str], run_config: Mapping[str, Any], step: str) -> dict[str, str]:
    """Look up the devices that a step's pod asks for, such as `{"nvidia.com/gpu": "1"}`.

    Limits in the run's own settings replace those of the op. A device is a resource with a domain in its name.
    """
    executor = run_config.get("execution", {}).get("config", {})
    own = executor.get("per_step_k8s_config", {}).get(step, {})
    for config in (own, stated_pod(op_tags)):
        if limits := config.get("container_config", {}).get("resources", {}).get("limits"):
            return {name: str(count) for name, count in limits.items() if is_device(name) and str(count) != "0"}
    return {}


def is_device(resource: str) -> bool:
    """Tell whether a resource is a device, such as a GPU: it has a domain in its name."""
    return "/" in resource


def stated_pod(op_tags: Mapping[str, Any]) -> dict[str, Any]:
    """Read what the tags of an op say of its pod, as they are given to Dagster or as Dagster keeps them."""
    stated = op_tags.get("dagster-k8s/config", {})
    return dict(json.loads(stated) if isinstance(stated, str) else stated)


SMALL_POD = PodSpec("1", "2Gi").as_tags()
RENDER_POD = PodSpec("4", "4Gi").as_tags()
GPU_POD = gpu_pod(os.environ).as_tags()


def retries(environment: Mapping[str, str]) -> dg.RetryPolicy | None:
    """Decide how often a step is tried again whose pod was preempted, evicted or lost with its node.

    Returns:
        None outside of Kubernetes. No pod is lost there, and Ctrl-C would count as an error to try again.
    """
    if environment.get("LEGOSIGNS_DEPLOYMENT", "").strip() != "kubernetes":
        return None
    # After 30, 90, 210 and 450 seconds, since another node takes some minutes to start.
    return dg.RetryPolicy(max_retries=4, delay=30, backoff=dg.Backoff.EXPONENTIAL)
