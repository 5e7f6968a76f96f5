"""A code location for many runs at once: one asset that only sleeps, with the project's executor, GPU pod and pool."""

import os
import time

import dagster as dg

from legosigns_dagster.deployments import KUBERNETES, make_executor
from legosigns_dagster.kubernetes.pod_specs import GPU_POD


class TrainingConfig(dg.Config):
    """How long the asset takes."""

    seconds: float = 2.0


@dg.asset(op_tags=GPU_POD, pool="gpu")
def training(config: TrainingConfig) -> None:
    """Sleep in the place of a training."""
    time.sleep(config.seconds)


defs = dg.Definitions(assets=[training], executor=make_executor(KUBERNETES, os.environ))
