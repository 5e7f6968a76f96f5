"""The values of helm-values.yaml, and the keys that the official Dagster chart 1.13 knows."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import UserDefinedDagsterK8sConfig
from dagster_k8s.models import k8s_snake_case_dict
from kubernetes.client import (
    V1Affinity,
    V1Container,
    V1EnvVar,
    V1JobSpec,
    V1PodSecurityContext,
    V1PodSpec,
    V1Probe,
    V1ResourceRequirements,
    V1SecurityContext,
    V1Toleration,
    V1Volume,
    V1VolumeMount,
)

from legosigns_dagster_tests.support.environment import ROOT

TEXT = (ROOT / "helm-values.yaml").read_text(encoding="utf-8")

# The keys of the chart that a deployment may need. A mapping has the keys that may stand below a key. [x] is a list of
# x, None any value, and a class an object of Kubernetes. Most of the chart's schemas refuse any other key.
NAMED = [{"name": None}]
IMAGE = {"repository": None, "tag": None, "digest": None, "pullPolicy": None}
PULL_SECRETS = NAMED
CONTAINER = {
    "envSecrets": NAMED,
    "envConfigMaps": NAMED,
    "env": [V1EnvVar],
    "resources": V1ResourceRequirements,
    "securityContext": V1SecurityContext,
    "podSecurityContext": V1PodSecurityContext,
    "volumes": [V1Volume],
    "volumeMounts": [V1VolumeMount],
    "tolerations": [V1Toleration],
    "affinity": V1Affinity,
    "annotations": None,
    "livenessProbe": V1Probe,
    "readinessProbe": V1Probe,
    "startupProbe": V1Probe,
    "nodeSelector": None,
    "labels": None,
    "schedulerName": None,
}
SERVER = CONTAINER | {
    "image": IMAGE,
    "deploymentLabels": None,
    "initContainerResources": V1ResourceRequirements,
    "extraContainers": [V1Container],
    "extraPrependedInitContainers": [V1Container],
    "checkDbReadyInitContainer": None,
    "logFormat": None,
}
INGRESS_OF_A_SERVER = {
    "host": None,
    "path": None,
    "pathType": None,
    "tls": {"enabled": None, "secretName": None},
    "precedingPaths": [{"path": None, "pathType": None, "serviceName": None, "servicePort": None}],
    "succeedingPaths": [{"path": None, "pathType": None, "serviceName": None, "servicePort": None}],
}
INGRESS = {
    "enabled": None,
    "apiVersion": None,
    "ingressClassName": None,
    "labels": None,
    "annotations": None,
    "dagsterWebserver": INGRESS_OF_A_SERVER,
    "readOnlyDagsterWebserver": INGRESS_OF_A_SERVER,
}
RUN_K8S_CONFIG = {
    "containerConfig": V1Container,
    "podSpecConfig": V1PodSpec,
    "jobSpecConfig": V1JobSpec,
    "podTemplateSpecMetadata": {"labels": None, "annotations": None},
    "jobMetadata": {"labels": None, "annotations": None},
}
K8S_RUN_LAUNCHER = {
    "imagePullPolicy": None,
    "jobNamespace": None,
    "loadInclusterConfig": None,
    "envConfigMaps": NAMED,
    "envSecrets": NAMED,
    "envVars": None,
    "labels": None,
    "volumes": [V1Volume],
    "volumeMounts": [V1VolumeMount],
    "failPodOnRunFailure": None,
    "resources": V1ResourceRequirements,
    "schedulerName": None,
    "securityContext": V1SecurityContext,
    "runK8sConfig": RUN_K8S_CONFIG,
}
ENVIRONMENT = {"env": None}
S3_COMPUTE_LOGS = {
    "bucket": ENVIRONMENT,
    "endpointUrl": ENVIRONMENT,
    "region": ENVIRONMENT,
    "prefix": None,
    "localDir": None,
    "useSsl": None,
    "verify": None,
    "verifyCertPath": None,
    "skipEmptyFiles": None,
    "uploadInterval": None,
    "uploadExtraArgs": None,
    "showUrlOnly": None,
}
USER_DEPLOYMENT = CONTAINER | {
    "name": None,
    "image": IMAGE,
    "port": None,
    "dagsterApiGrpcArgs": None,
    "codeServerArgs": None,
    "includeConfigInLaunchedRuns": {"enabled": None},
    "replicaCount": None,
    "deploymentStrategy": None,
    "initContainers": [V1Container],
    "sidecarContainers": [V1Container],
}
RUN_MONITORING = {
    "enabled": None,
    "startTimeoutSeconds": None,
    "cancelTimeoutSeconds": None,
    "pollIntervalSeconds": None,
    "maxRuntimeSeconds": None,
    "maxResumeRunAttempts": None,
    "freeSlotsAfterRunEndSeconds": None,
}
POSTGRESQL = {
    "enabled": None,
    "image": {"registry": None, **IMAGE},
    "postgresqlHost": None,
    "postgresqlUsername": None,
    "postgresqlPassword": None,
    "postgresqlDatabase": None,
    "postgresqlParams": None,
    "postgresqlScheme": None,
    "service": {"port": None},
}
CHART: dict[str, Any] = {
    "telemetry": {"enabled": None},
    "rbacEnabled": None,
    "nameOverride": None,
    "fullnameOverride": None,
    "serviceAccount": {"create": None, "name": None, "annotations": None},
    "ingress": INGRESS,
    "migrate": {"enabled": None, "initContainers": [V1Container], "extraContainers": [V1Container]},
    "busybox": {"image": IMAGE},
    "additionalInstanceConfig": None,
    "extraManifests": None,
    "global": {"postgresqlSecretName": None, "dagsterHome": None, "serviceAccountName": None},
    "imagePullSecrets": PULL_SECRETS,
    "generatePostgresqlPasswordSecret": None,
    "postgresql": POSTGRESQL,
    "dagster-user-deployments": {
        "enabled": None,
        "enableSubchart": None,
        "imagePullSecrets": PULL_SECRETS,
        "deployments": [USER_DEPLOYMENT],
    },
    "runLauncher": {"type": None, "config": {"k8sRunLauncher": K8S_RUN_LAUNCHER}},
    "computeLogManager": {"type": None, "config": {"s3ComputeLogManager": S3_COMPUTE_LOGS}},
    "concurrency": {
        "enabled": None,
        "pools": {"defaultLimit": None, "granularity": None, "opGranularityRunBuffer": None},
        "runs": {"maxConcurrentRuns": None, "tagConcurrencyLimits": None},
    },
    "dagsterWebserver": SERVER
    | {
        "replicaCount": None,
        "service": {"type": None, "port": None, "annotations": None},
        "enableReadOnly": None,
        "pathPrefix": None,
        "logLevel": None,
        "dbStatementTimeout": None,
        "dbPoolRecycle": None,
        "dbPoolMaxOverflow": None,
    },
    "dagsterDaemon": SERVER
    | {
        "enabled": None,
        "heartbeatTolerance": None,
        "runMonitoring": RUN_MONITORING,
        "runRetries": {"enabled": None, "maxRetries": None, "retryOnAssetOrOpFailure": None},
    },
}


def unknown_keys(values: Any, known: Any, path: str = "") -> Iterator[str]:
    """Find the keys that the chart, or Kubernetes below it, does not know, each with its path."""
    if isinstance(known, type):
        try:
            k8s_snake_case_dict(known, values)
        except Exception as error:  # dagster-k8s raises no class of its own
            yield f"{path}: {error}"
    elif isinstance(known, list) and isinstance(values, Mapping) and known == [V1EnvVar]:
        return  # variables by their names, which the chart puts into a config map
    elif isinstance(known, list):
        for number, item in enumerate(values):
            yield from unknown_keys(item, known[0], f"{path}[{number}]")
    elif isinstance(values, Mapping) and known is not None:
        for key, value in values.items():
            if key in known:
                yield from unknown_keys(value, known[key], f"{path}.{key}".lstrip("."))
            else:
                yield f"{path}.{key}".lstrip(".")


def values() -> dict[str, Any]:
    """Read helm-values.yaml."""
    loaded: dict[str, Any] = yaml.safe_load(TEXT)
    return loaded


def add_lines(values: Any, lines: Any) -> Any:
    """Add lines to values at their places, in lists in front. Mappings are merged, the only code location too."""
    if isinstance(values, Mapping) and isinstance(lines, Mapping):
        return {**values, **{key: add_lines(values.get(key), value) for key, value in lines.items()}}
    if isinstance(values, list) and len(values) == len(lines) == 1 and "image" in values[0]:
        return [add_lines(values[0], lines[0])]
    return lines + values if isinstance(values, list) else lines


def replace_values(values: Any, others: Any) -> Any:
    """Replace values by those of a second file, as Helm does: mappings are merged, lists are not."""
    if isinstance(values, Mapping) and isinstance(others, Mapping):
        return {**values, **{key: replace_values(values.get(key), value) for key, value in others.items()}}
    return others


def code_location(values: Mapping[str, Any], name: str = "") -> dict[str, Any]:
    """Take the values of the only user deployment, or of the one of this name."""
    deployments = values["dagster-user-deployments"]["deployments"]
    (deployment,) = (one for one in deployments if name in ("", one["name"]))
    only: dict[str, Any] = deployment
    return only


def user_env(location: Mapping[str, Any]) -> str:
    """Name the config map in which the chart puts the variables of a code location that are a mapping."""
    return f"dagster-dagster-user-deployments-{location['name']}-user-env"


def launcher(values: Mapping[str, Any]) -> dict[str, Any]:
    """Take the values of the run launcher."""
    settings: dict[str, Any] = values["runLauncher"]["config"]["k8sRunLauncher"]
    return settings


def container_contexts(values: Mapping[str, Any], name: str = "") -> tuple[K8sContainerContext, ...]:
    """Build what the chart makes of the values of the launcher and of the code location, in the order of merging.

    Variables of the code location that are a mapping are in a config map. Its `name` is needed where there are several.
    """
    location, run_launcher = code_location(values, name), launcher(values)
    env = location["env"]
    parts = run_launcher["runK8sConfig"]
    return (
        K8sContainerContext(
            image_pull_policy=run_launcher["imagePullPolicy"],
            resources=run_launcher["resources"],
            run_k8s_config=UserDefinedDagsterK8sConfig(
                container_config=parts["containerConfig"], job_spec_config=parts["jobSpecConfig"]
            ),
        ),
        K8sContainerContext.create_from_config(
            {
                "k8s": {
                    "env": [] if isinstance(env, Mapping) else env,
                    "env_config_maps": [user_env(location)] if isinstance(env, Mapping) else [],
                    "env_secrets": [secret["name"] for secret in location["envSecrets"]],
                    "resources": location["resources"],
                    "volumes": location.get("volumes", []),
                    "volume_mounts": location.get("volumeMounts", []),
                }
            }
        ),
    )
