"""The pool of the steps that run the detector: how many of them may run at the same time."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from sqlalchemy.exc import IntegrityError

from legosigns_dagster.kubernetes.pod_specs import read_variable

GPU_POOL = "gpu"


def pool_limit(environment: Mapping[str, str], default: str = "") -> int | None:
    """Read from LEGOSIGNS_GPU_POOL_LIMIT how many steps may run the detector at the same time.

    Returns:
        None where neither the variable nor a default is set: Dagster's own settings then decide.

    Raises:
        ValueError: It is not a number of steps that Dagster can count.
    """
    expected = "a whole number from 1 to 999, such as 1 for one GPU"
    text = read_variable(environment, "LEGOSIGNS_GPU_POOL_LIMIT", default, r"([1-9]\d{0,2})?", expected)
    return int(text) if text else None


def limit_pool(executor: dg.ExecutorDefinition, limit: int) -> dg.ExecutorDefinition:
    """Make the same executor, which first gives the pool this limit, whenever a run starts."""
    original: Any = executor

    def create(context: dg.InitExecutorContext) -> dg.Executor:
        set_limit(context.instance, limit)
        created: dg.Executor = original.executor_creation_fn(context)
        return created

    return dg.ExecutorDefinition(original.name, original.config_schema, original.get_requirements, create)


def set_limit(instance: dg.DagsterInstance, limit: int) -> None:
    """Give the pool this limit in the instance's database, where it has another one.

    On PostgreSQL, a limit that comes from `default_limit` in dagster.yaml cannot be changed: Dagster 1.13 inserts the
    new one, which fails, and goes on in the same transaction, so that every step of the pool fails. A limit of the
    pool's own is updated.
    """
    storage = instance.event_log_storage
    stored = [(pool.limit, pool.from_default) for pool in storage.get_pool_limits() if pool.name == GPU_POOL]
    if stored == [(limit, False)]:
        return
    try:
        storage.set_concurrency_slots(GPU_POOL, limit)
    except IntegrityError:  # another run was the first in this moment: now there is a limit to update
        storage.set_concurrency_slots(GPU_POOL, limit)
