"""The values of helm-values.yaml, and the keys that the official Dagster chart 1.13 knows."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import UserDefinedDagsterK8sConfig
from dagster_k8s.models import k8s_snake_case_dict
from kubernetes.client import V1Container, V1JobSpec, V1PodSpec, V1Probe, V1ResourceRequirements, V1SecurityContext

from legosigns_dagster_tests.support.environment import ROOT

TEXT = (ROOT / "helm-values.yaml").read_text(encoding="utf-8")

# The keys of the chart that a deployment may need. A mapping has the keys that may stand below a key. [x] is a list of
# x, None any value, and a class an object of Kubernetes. Most of the chart's schemas refuse any other key.
NAMED = [{"name": None}]
IMAGE = {"repository": None, "tag": None, "pullPolicy": None}
PULL_SECRETS = NAMED
CONTAINER = {
    "envSecrets": NAMED,
    "envConfigMaps": NAMED,
    "env": [{"name": None, "value": None}],
    "resources": V1ResourceRequirements,
    "securityContext": V1SecurityContext,
    "livenessProbe": V1Probe,
    "readinessProbe": V1Probe,
    "startupProbe": V1Probe,
    "nodeSelector": None,
    "labels": None,
    "schedulerName": None,
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
    "image": None,
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
    "dagsterWebserver": CONTAINER
    | {"replicaCount": None, "service": {"type": None, "port": None}, "enableReadOnly": None},
    "dagsterDaemon": CONTAINER
    | {
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


def code_location(values: Mapping[str, Any]) -> dict[str, Any]:
    """Take the values of the only user deployment."""
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    only: dict[str, Any] = deployment
    return only


def launcher(values: Mapping[str, Any]) -> dict[str, Any]:
    """Take the values of the run launcher."""
    settings: dict[str, Any] = values["runLauncher"]["config"]["k8sRunLauncher"]
    return settings


def container_contexts(values: Mapping[str, Any]) -> tuple[K8sContainerContext, ...]:
    """Build what the chart makes of the values of the launcher and of the code location, in the order of merging."""
    location, run_launcher = code_location(values), launcher(values)
    parts = run_launcher["runK8sConfig"]
    return (
        K8sContainerContext(
            image_pull_policy=run_launcher["imagePullPolicy"],
            resources=run_launcher["resources"],
            run_k8s_config=UserDefinedDagsterK8sConfig(
                container_config=parts["containerConfig"], job_spec_config=parts["jobSpecConfig"]
            ),
        ),
        K8sContainerContext(
            env=location["env"],
            env_secrets=[secret["name"] for secret in location["envSecrets"]],
            resources=location["resources"],
        ),
    )
