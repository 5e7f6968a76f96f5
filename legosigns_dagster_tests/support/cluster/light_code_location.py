"""A code location as light as can be, with the project's executor, its GPU pod and its pool: for many runs at once."""

import time

import dagster as dg

from legosigns_dagster.deployments import KUBERNETES, make_executor
from legosigns_dagster.kubernetes.pod_specs import GPU_POD


class TrainingConfig(dg.Config):
    """How long it takes."""

    seconds: float = 2.0


@dg.asset(op_tags=GPU_POD, pool="gpu")
def training(config: TrainingConfig) -> None:
    """What a GPU would be busy with."""
    time.sleep(config.seconds)


defs = dg.Definitions(assets=[training], executor=make_executor(KUBERNETES))
