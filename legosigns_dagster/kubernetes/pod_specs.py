"""Named pod sizes, as op tags: the only place that spells `dagster-k8s/config`.

Requests and limits are both given for every step, so that a pod is never larger or smaller than it says here. A laptop
ignores these tags. What differs between clusters, the GPU, comes from variables.
"""

import json
import os
import re
from collections.abc import Mapping
from typing import Any

import dagster as dg

CPU, MEMORY = r"[1-9]\d*(\.\d+)?|0\.\d*[1-9]\d*|[1-9]\d*m", r"[1-9]\d*(\.\d+)?[MGT]i?"
RESOURCE = (
    r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
)
LABEL = r"([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?=([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?"


def pod(cpu: str, memory: str, **extra: dict[str, Any]) -> dict[str, Any]:
    """Op tags for a pod with this many CPUs and this much memory, and what else its spec needs."""
    resources = {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}}
    config: dict[str, Any] = {
        "container_config": {"resources": resources},
        # A pod that Kubernetes replaces by itself would run a step that Dagster has already given up.
        "job_spec_config": {"backoff_limit": 0, "ttl_seconds_after_finished": 3600},
        "pod_spec_config": extra.get("pod_spec_config", {}),
    }
    resources["requests"] |= extra.get("devices", {})
    resources["limits"] |= extra.get("devices", {})
    config["container_config"] |= extra.get("container_config", {})
    config["job_spec_config"] |= extra.get("job_spec_config", {})
    return {"dagster-k8s/config": config}


def gpu_pod(environment: Mapping[str, str]) -> dict[str, Any]:
    """Op tags for the pod with the model in it, as the variables say; ValueError for a value that cannot be meant."""
    count = setting(environment, "LEGOSIGNS_GPU_COUNT", "1", r"\d{1,2}", "a whole number, 0 for training on CPUs")
    resource = setting(
        environment, "LEGOSIGNS_GPU_RESOURCE", "nvidia.com/gpu", RESOURCE, "a resource such as nvidia.com/mig-1g.5gb"
    )
    cpu = setting(environment, "LEGOSIGNS_GPU_POD_CPU", "4", CPU, "a number of CPUs such as 4 or 500m")
    memory = setting(environment, "LEGOSIGNS_GPU_POD_MEMORY", "16Gi", MEMORY, "an amount of memory such as 16Gi")
    labels = setting(
        environment, "LEGOSIGNS_GPU_NODE_SELECTOR", "", f"(({LABEL})(,{LABEL})*)?", "labels such as pool=gpu,zone=a"
    )
    selector = {"node_selector": dict(label.split("=") for label in labels.split(","))} if labels else {}
    tolerations = [{"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in taints(resource)]
    return pod(
        cpu,
        memory,
        devices={resource: count} if int(count) else {},
        # PyTorch's data loaders pass images through /dev/shm, of which a container has 64 MB: "Bus error" otherwise.
        container_config={"volume_mounts": [{"name": "shm", "mount_path": "/dev/shm"}]},
        pod_spec_config={
            "tolerations": tolerations if int(count) else [],
            "volumes": [{"name": "shm", "empty_dir": {"medium": "Memory", "size_limit": "2Gi"}}],
            **selector,
        },
        # Nothing else ends a pod that waits for a GPU that never comes.
        job_spec_config={"active_deadline_seconds": 14400},
    )


def taints(resource: str) -> list[str]:
    """Keys of the taints that nodes with this resource carry: its name, and one for all of NVIDIA's, MIG included."""
    return list(dict.fromkeys([resource, *(["nvidia.com/gpu"] if resource.startswith("nvidia.com/") else [])]))


def setting(environment: Mapping[str, str], name: str, otherwise: str, pattern: str, expected: str) -> str:
    """A variable's value, or another where it is not set; ValueError for one that the pattern does not match."""
    text = environment.get(name) or otherwise
    if not re.fullmatch(pattern, text):
        raise ValueError(f"{name} is {text!r}, expected {expected}")
    return text


def devices(op_tags: Mapping[str, str], run_config: Mapping[str, Any], step: str) -> dict[str, str]:
    """What a step's pod asks for besides CPUs and memory: the resource's name and how many, by the run's own settings.

    Devices are the resources with a domain in their name, as in `nvidia.com/gpu`.
    """
    executor = run_config.get("execution", {}).get("config", {})
    own = executor.get("per_step_k8s_config", {}).get(step, {})
    for config in (own, json.loads(op_tags.get("dagster-k8s/config", "{}"))):
        if limits := config.get("container_config", {}).get("resources", {}).get("limits"):
            return {name: str(count) for name, count in limits.items() if "/" in name and str(count) != "0"}
    return {}


SMALL_POD = pod("1", "2Gi")
RENDER_POD = pod("4", "4Gi")
GPU_POD = gpu_pod(os.environ)


def retries(environment: Mapping[str, str]) -> dg.RetryPolicy | None:
    """How often a step is tried again whose pod was preempted, evicted or lost with its node; nothing on a laptop.

    There, only errors in the step itself could be tried again, which would meet the same; and Ctrl-C would be an error.
    """
    if environment.get("LEGOSIGNS_DEPLOYMENT") != "kubernetes":
        return None
    # After 30, 90, 210 and 450 seconds, since another node takes some minutes to start.
    return dg.RetryPolicy(max_retries=4, delay=30, backoff=dg.Backoff.EXPONENTIAL)
