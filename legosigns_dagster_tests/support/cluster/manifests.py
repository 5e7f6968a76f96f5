"""What a real API server refuses: a manifest that Kubernetes' own schemas do not know, or that contradicts itself."""

from collections.abc import Iterator
from typing import Any

import kubernetes_validate
from kubernetes.utils.quantity import parse_quantity

# The newest that kubernetes-validate has for the Kubernetes that the pinned client was made for.
SCHEMAS = "1.36"
Json = dict[str, Any]


class InvalidManifestError(ValueError):
    """The message says what in the manifest is wrong, and where."""


def check_manifest(manifest: Json) -> None:
    """Return when the manifest can be accepted; InvalidManifestError otherwise.

    Strict: a key that the schemas do not know is an error, where a real server only warns and then drops it.
    """
    try:
        kubernetes_validate.validate(manifest, SCHEMAS, strict=True)
    except kubernetes_validate.ValidationError as error:
        path = ".".join(str(part) for part in error.path)
        raise InvalidManifestError(f"{path}: {error.message}") from error
    spec = manifest["spec"]
    problems = list(contradictions(spec.get("template", manifest)["spec"]))
    if problems:
        raise InvalidManifestError("; ".join(problems))


def contradictions(pod_spec: Json) -> Iterator[str]:
    """What the API server itself checks of a pod's spec beyond the schemas."""
    volumes = {volume["name"] for volume in pod_spec.get("volumes", [])}
    for container in pod_spec["containers"]:
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in volumes:
                yield f"volumeMounts: {mount['name']!r} is no volume of the pod"
        limits, requests = (container.get("resources", {}).get(kind, {}) for kind in ("limits", "requests"))
        for name, asked in (limits | requests).items():
            try:
                parse_quantity(asked)
            except ValueError:
                yield f"{name}: {asked!r} is no quantity"
                continue
            if name in limits and name in requests and parse_quantity(requests[name]) > parse_quantity(limits[name]):
                yield f"{name}: requests {requests[name]} but is limited to {limits[name]}"
            # A device can be neither overcommitted nor shared: Kubernetes wants both figures, and the same ones.
            if "/" in name and requests.get(name, limits.get(name)) != limits.get(name):
                yield f"{name}: an extended resource needs a limit equal to its request"
