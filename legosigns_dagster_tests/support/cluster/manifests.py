"""Validation of manifests, as an API server does it: by Kubernetes' schemas, and for contradictions."""

from collections.abc import Iterator
from typing import Any

import kubernetes_validate
from kubernetes.utils.quantity import parse_quantity

# The newest schemas in kubernetes-validate for the Kubernetes version of the pinned client.
SCHEMAS = "1.36"
Json = dict[str, Any]


class InvalidManifestError(ValueError):
    """A manifest that an API server would refuse. The message says what is wrong, and where."""


def check_manifest(manifest: Json) -> None:
    """Check that an API server would accept the manifest.

    An unknown key is an error here, where a real server only warns and drops it.

    Raises:
        InvalidManifestError: It would not.
    """
    check_object(manifest)
    spec = manifest["spec"]
    problems = list(find_contradictions(spec.get("template", manifest)["spec"]))
    if problems:
        raise InvalidManifestError("; ".join(problems))


def check_object(manifest: Json) -> None:
    """Check an object of any kind by Kubernetes' schemas alone. InvalidManifestError: it does not fit."""
    try:
        kubernetes_validate.validate(manifest, SCHEMAS, strict=True)
    except kubernetes_validate.ValidationError as error:
        path = ".".join(str(part) for part in error.path)
        raise InvalidManifestError(f"{path}: {error.message}") from error


def find_contradictions(pod_spec: Json) -> Iterator[str]:
    """Find what the API server itself refuses in a pod's spec, beyond the schemas."""
    volumes = {volume["name"] for volume in pod_spec.get("volumes", [])}
    for container in pod_spec["containers"]:
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"volumeMounts: {mount['name']!r} is no volume of the pod"
        limits, requests = (container.get("resources", {}).get(kind, {}) for kind in ("limits", "requests"))
        for name, amount in (limits | requests).items():
            try:
                parse_quantity(amount)
            except ValueError:
                yield f"{name}: {amount!r} is no quantity"
                continue
            if name in limits and name in requests and parse_quantity(requests[name]) > parse_quantity(limits[name]):
                yield f"{name}: requests {requests[name]} but is limited to {limits[name]}"
            # Devices can be neither overcommitted nor shared: Kubernetes requires both figures to be equal.
            if "/" in name and requests.get(name, limits.get(name)) != limits.get(name):
                yield f"{name}: an extended resource needs a limit equal to its request"
