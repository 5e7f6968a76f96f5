"""The executor that starts a pod for each step."""

from typing import Any

import dagster as dg

# A launcher or a code location may have resources of its own, which Dagster would merge into a step's: a limit of 1Gi
# on a pod that asks for 16Gi, or a GPU for every step. For the executor: only what a step itself says counts.
NO_OTHER_RESOURCES = {"merge_behavior": "SHALLOW", "container_config": {"resources": {}}}


def pod_for_each_step() -> dg.ExecutorDefinition:
    """dagster-k8s' executor, with pods that take no resources over from the launcher or the code location.

    A step whose pod dies or cannot start says why.
    """
    # Both bring the Kubernetes client, half a second for those who need it.
    from dagster_k8s import k8s_job_executor

    from legosigns_dagster.kubernetes.step_handler import with_reasons

    theirs: Any = k8s_job_executor

    def create(context: dg.InitExecutorContext) -> dg.Executor:
        config = {"step_k8s_config": NO_OTHER_RESOURCES, **context.executor_config}
        return with_reasons(theirs.executor_creation_fn(context._replace(executor_config=config)))

    # Not `configured`: it reads the Launchpad's settings twice, and refuses merge_behavior the second time.
    return dg.ExecutorDefinition("k8s", theirs.config_schema, theirs.get_requirements, create)
