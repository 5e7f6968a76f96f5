"""Named pod sizes, as op tags: the only place that spells `dagster-k8s/config`.

Requests and limits are both given for every step, so that nothing of the launcher's or the code location's own
resources is merged into them. A laptop ignores these tags.
"""

import json
from collections.abc import Mapping
from typing import Any


def pod(cpu: str, memory: str, **extra: dict[str, Any]) -> dict[str, Any]:
    """Op tags for a pod with this many CPUs and this much memory, and what else its spec needs."""
    resources = {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}}
    # Ultralytics, matplotlib and torch write below the home folder, which a random user of OpenShift does not have.
    home = [{"name": "HOME", "value": "/tmp"}, {"name": "MPLCONFIGDIR", "value": "/tmp/matplotlib"}]
    config: dict[str, Any] = {
        "container_config": {"resources": resources, "env": home},
        # A pod that Kubernetes replaces by itself would run a step that Dagster has already given up.
        "job_spec_config": {"backoff_limit": 0, "ttl_seconds_after_finished": 3600},
        "pod_spec_config": extra.get("pod_spec_config", {}),
    }
    resources["requests"] |= extra.get("devices", {})
    resources["limits"] |= extra.get("devices", {})
    config["container_config"] |= extra.get("container_config", {})
    config["job_spec_config"] |= extra.get("job_spec_config", {})
    return {"dagster-k8s/config": config}


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
GPU_POD = pod(
    "4",
    "16Gi",
    devices={"nvidia.com/gpu": "1"},
    # PyTorch's data loaders pass images through /dev/shm, of which a container has 64 MB: "Bus error" otherwise.
    container_config={"volume_mounts": [{"name": "shm", "mount_path": "/dev/shm"}]},
    pod_spec_config={
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "volumes": [{"name": "shm", "empty_dir": {"medium": "Memory", "size_limit": "2Gi"}}],
    },
    # Nothing else ends a pod that waits for a GPU that never comes.
    job_spec_config={"active_deadline_seconds": 14400},
)
