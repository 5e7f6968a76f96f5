"""A code location whose one asset sleeps in the place of a training, with the executor and the pool of a local run."""

import time

import dagster as dg

from legosigns_dagster.deployments import LOCAL, make_executor


class TrainingConfig(dg.Config):
    """How long the asset takes."""

    seconds: float


@dg.asset(pool="gpu")
def training(context: dg.AssetExecutionContext, config: TrainingConfig) -> None:
    """Sleep."""
    context.log.info("training begins")
    time.sleep(config.seconds)


defs = dg.Definitions(assets=[training], executor=make_executor(LOCAL, {}))
