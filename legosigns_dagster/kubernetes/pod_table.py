"""The pod of each asset's step as a small table, for the page of the asset in Dagster's UI."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from legosigns_dagster.kubernetes.pod_specs import is_device, stated_pod

HOUR_S = 3600
CONTEXTS = ("DAGSTER_CLI_API_GRPC_CONTAINER_CONTEXT", "DAGSTER_CONTAINER_CONTEXT")  # by how the server is started


def add_pod_tables(assets: Iterable[Any], environment: Mapping[str, str]) -> list[Any]:
    """Add to each asset's definition what the pod of its step asks for, as its metadata `pod`."""
    return [add_pod_table(one, environment) for one in assets]


def add_pod_table(asset: dg.AssetsDefinition, environment: Mapping[str, str]) -> dg.AssetsDefinition:
    """Add the table to one asset."""
    table = dg.MetadataValue.md(pod_table(stated_pod(asset.op.tags), location(environment)))
    return asset.map_asset_specs(lambda spec: spec.merge_attributes(metadata={"pod": table}))


def location(environment: Mapping[str, str]) -> dict[str, str]:
    """Read what steps take over from the code location: the image, and the secrets by name.

    The official Helm chart sets these variables in the pod of the code location, and nobody elsewhere.
    """
    context = next(filter(None, map(environment.get, CONTEXTS)), "{}")
    secrets = json.loads(context).get("k8s", {}).get("env_secrets", [])
    return {
        "image": environment.get("DAGSTER_CURRENT_IMAGE") or "the image of the code location",
        "secrets": ", ".join(secrets) or "those of the code location",
    }


def pod_table(stated: Mapping[str, Any], taken_over: Mapping[str, str]) -> str:
    """Write a pod as a table in Markdown.

    Args:
        stated: What the step's tag says of its pod.
        taken_over: Image and secrets.

    Example:
        >>> from legosigns_dagster.kubernetes.pod_specs import SMALL_POD
        >>> print(pod_table(stated_pod(SMALL_POD), location({})).splitlines()[3])
        | CPU | 1 |
    """
    limits = stated["container_config"]["resources"]["limits"]
    devices = [f"{count} {name}" for name, count in limits.items() if is_device(name)]
    rows = {
        "image": taken_over["image"],
        "CPU": limits["cpu"],
        "memory": limits["memory"],
        "GPU": ", ".join(devices) or "none",
        "toleration": tolerated(stated["pod_spec_config"]),
        "deadline": deadline(stated),
        "secrets": taken_over["secrets"],
    }
    lines = [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join(["| pod of the step | a laptop ignores this |", "|---|---|", *lines])


def tolerated(pod: Mapping[str, Any]) -> str:
    """Name the taints that a pod tolerates."""
    if "tolerations" not in pod:
        return "that of the code location"
    return ", ".join(one["key"] for one in pod["tolerations"]) or "none"


def deadline(stated: Mapping[str, Any]) -> str:
    """Say after how many hours Kubernetes ends a pod."""
    seconds = stated["pod_spec_config"].get("active_deadline_seconds")
    if not seconds:
        return "none"
    wait = (stated["job_spec_config"]["active_deadline_seconds"] - seconds) / HOUR_S
    return f"{seconds / HOUR_S:g} h from its start, for which it may wait {wait:g} h"
