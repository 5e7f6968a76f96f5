"""The executor that starts a pod for each step."""

from typing import Any

import dagster as dg

# A launcher or a code location may have resources of its own, which Dagster would merge into a step's: a limit of 1Gi
# on a pod that asks for 16Gi, or a GPU for every step. With this, only what the step itself states counts.
NO_OTHER_RESOURCES = {"merge_behavior": "SHALLOW", "container_config": {"resources": {}}}


def pod_for_each_step() -> dg.ExecutorDefinition:
    """Make dagster-k8s' executor, with two changes.

    A step's pod takes no resources over from the launcher or the code location. The log says why a step's pod failed or
    does not start.
    """
    # Both import the Kubernetes client, half a second for a deployment that does not need it.
    from dagster_k8s import k8s_job_executor

    from legosigns_dagster.kubernetes.step_handler import add_explanations

    original: Any = k8s_job_executor

    def create(context: dg.InitExecutorContext) -> dg.Executor:
        config = {"step_k8s_config": NO_OTHER_RESOURCES, **context.executor_config}
        return add_explanations(original.executor_creation_fn(context._replace(executor_config=config)))

    # Not `configured`: it reads the Launchpad's settings twice, and refuses merge_behavior the second time.
    return dg.ExecutorDefinition("k8s", original.config_schema, original.get_requirements, create)
