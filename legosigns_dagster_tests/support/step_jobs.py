"""The Kubernetes Job of a step as dagster-k8s builds it, from the settings that Dagster merges. It needs no cluster."""

from collections.abc import Mapping
from functools import cache, reduce
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.system_config.objects import ResolvedRunConfig
from dagster_k8s import DagsterK8sJobConfig, construct_dagster_k8s_job
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import UserDefinedDagsterK8sConfig, get_user_defined_k8s_config
from kubernetes.client import ApiClient

from legosigns_dagster.definitions import load_definitions
from legosigns_dagster.deployments import deployment

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: me, user: {token: none}}]
"""


S3 = {"AWS_S3_BUCKET": "b", "AWS_S3_ENDPOINT": "http://127.0.0.1:1", "AWS_SECRET_ACCESS_KEY": "planted-secret"}
KUBERNETES = {"LEGOSIGNS_DEPLOYMENT": "kubernetes"} | S3


def definitions(environment: dict[str, str]) -> dg.Definitions:
    """Load everything that Dagster sees, for the deployment that these variables describe."""
    return load_definitions(deployment(environment))


@cache
def job_in_pods() -> dg.JobDefinition:
    """Load the job traffic_signs with a pod for each step."""
    return definitions(KUBERNETES).resolve_job_def("traffic_signs")


def step_handler(folder: Path, launchpad: Mapping[str, Any] | None = None) -> Any:
    """Make the step handler of the job's executor, as a run does.

    Args:
        folder: Where a kubeconfig is written.
        launchpad: The run's `execution.config`, validated as Dagster validates it.
    """
    job = job_in_pods()
    (folder / "kubeconfig").write_text(KUBECONFIG, encoding="utf-8")
    settings = {"load_incluster_config": False, "kubeconfig_file": str(folder / "kubeconfig"), **(launchpad or {})}
    with dg.DagsterInstance.ephemeral() as instance, pytest.MonkeyPatch.context() as patch:
        for name, value in KUBERNETES.items():
            patch.setenv(name, value)
        config = ResolvedRunConfig.build(job, {"execution": {"config": settings}}).execution.execution_engine_config
        create: Any = job.executor_def.executor_creation_fn
        return create(dg.InitExecutorContext(InMemoryJob(job), job.executor_def, config, instance))._step_handler


def step_job(
    step: str,
    folder: Path,
    contexts: tuple[K8sContainerContext, ...] = (),
    launchpad: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Build the Job of a step, as the API server would get it.

    Args:
        step: The name of the asset or check.
        folder: An empty folder for temporary files.
        contexts: The settings of the launcher and of the code location, which those of the step are merged into.
        launchpad: The run's `execution.config`.
    """
    handler = step_handler(folder, launchpad)
    tags = get_user_defined_k8s_config(job_in_pods().get_node_named(step).definition.tags)
    own = UserDefinedDagsterK8sConfig.from_dict(handler._per_step_k8s_config.get(step, {}))  # type: ignore[no-untyped-call]
    layers = [handler._executor_container_context, *(K8sContainerContext(run_k8s_config=part) for part in (tags, own))]
    merged = reduce(
        K8sContainerContext.merge, layers, reduce(K8sContainerContext.merge, contexts, K8sContainerContext())
    )
    job = construct_dagster_k8s_job(
        DagsterK8sJobConfig(job_image="image:1"), ["x"], "t", user_defined_k8s_config=merged.run_k8s_config
    )
    manifest: dict[str, Any] = ApiClient().sanitize_for_serialization(job)
    return manifest


def only_container(job: Mapping[str, Any]) -> dict[str, Any]:
    """Take the only container of a Job's pod."""
    (container,) = job["spec"]["template"]["spec"]["containers"]
    only: dict[str, Any] = container
    return only
