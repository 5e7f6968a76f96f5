"""The executor of local runs: one process for all steps, that knows of killed runs and waits in the open.

It uses internals of Dagster: `InProcessExecutor`, what its `execute` is made of, and `InstanceConcurrencyContext`. They
were checked with dagster 1.13.27. Where one of them changes, `local/test_killed_runs.py` fails.
"""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.execute_plan import inner_plan_execution_iterator
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.executor.in_process import InProcessExecutor

from legosigns_dagster.local.killed_runs import end_killed_runs
from legosigns_dagster.local.run_locks import hold_run_lock, is_live

PAUSE_S = 1.0


def one_process_for_all_steps() -> dg.ExecutorDefinition:
    """Make Dagster's in-process executor, with two changes.

    What killed runs left is put right before the first step. A step that waits for a slot of a pool says so, and the
    wait can be interrupted.
    """
    original: Any = dg.in_process_executor

    def create(context: dg.InitExecutorContext) -> dg.Executor:
        made = original.executor_creation_fn(context)
        return LocalExecutor(made.retries, made.step_dependency_config)

    return dg.ExecutorDefinition(original.name, original.config_schema, original.get_requirements, create)


class LocalExecutor(InProcessExecutor):
    """Executes all steps in this process."""

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
        """Execute the plan while holding the lock of the run."""
        instance, run = plan_context.instance, plan_context.dagster_run
        with hold_run_lock(Path(instance.root_directory), run.run_id):
            for killed in end_killed_runs(instance):
                plan_context.log.warning(
                    f"run {killed} was killed: it is marked as failed, its slots in pools are free"
                )
            plan_context.log.info(opening(instance, run, len(execution_plan.step_keys_to_execute)))
            yield from ExecuteRunWithPlanIterable(
                execution_plan=plan_context.execution_plan,
                iterator=execute_steps,
                execution_context_manager=PlanExecutionContextManager(
                    job=plan_context.job,
                    retry_mode=plan_context.retry_mode,
                    execution_plan=plan_context.execution_plan,
                    run_config=plan_context.run_config,
                    dagster_run=run,
                    instance=instance,
                    raise_on_error=plan_context.raise_on_error,
                    output_capture=plan_context.output_capture,
                    step_dependency_config=self.step_dependency_config,
                ),
            )


def opening(instance: dg.DagsterInstance, run: dg.DagsterRun, steps: int) -> str:
    """Say what comes, how long it took the last time, and what Ctrl-C does."""
    done = dg.RunsFilter(job_name=run.job_name, statuses=[dg.DagsterRunStatus.SUCCESS])
    records = instance.get_run_records(done, limit=20)
    alike = [one for one in records if one.dagster_run.asset_selection == run.asset_selection]
    lasted_s = (alike[0].end_time or 0) - (alike[0].start_time or 0) if alike else 0
    minutes = f" The last such run took {lasted_s // 60:.0f}:{lasted_s % 60:02.0f} minutes." if lasted_s else ""
    return f"{steps} steps.{minutes} Ctrl-C is safe: the same command goes on, in a training after its last epoch"


def execute_steps(job_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
    """Execute the steps one after another."""
    with PoolClaims(job_context) as claims:
        yield from inner_plan_execution_iterator(job_context, execution_plan, claims)


class PoolClaims(InstanceConcurrencyContext):
    """Claims slots of pools for the steps of a run.

    Dagster's own asks again and again without a pause, without a word at level INFO, and without looking at signals.
    """

    def __init__(self, job_context: Any) -> None:
        super().__init__(job_context.instance, job_context.dagster_run)
        self._log = job_context.log
        self._told = ""

    def claim(self, concurrency_key: str, step_key: str, step_priority: int = 0) -> bool:
        """Claim a slot, or say who has it, pause, and be ready to be interrupted."""
        if super().claim(concurrency_key, step_key, step_priority):
            return True
        end_killed_runs(self._instance)
        if (reason := self._describe(concurrency_key)) != self._told:
            self._log.warning(f"step {step_key} waits: {reason}. Ctrl-C ends the wait")
            self._told = reason
        with dg.raise_execution_interrupts():
            time.sleep(PAUSE_S)
        return False

    def _describe(self, pool: str) -> str:
        """Say which runs have the slots of a pool, or have been promised one."""
        info = self._instance.event_log_storage.get_concurrency_info(pool)
        others = sorted((info.active_run_ids | info.assigned_run_ids) - {self._run_id})
        if not others:
            return f"the pool {pool!r} has {info.slot_count} slots: raise its limit in the UI, below Deployment"
        return f"the slots of the pool {pool!r} are taken by {', '.join(map(self._describe_run, others))}"

    def _describe_run(self, run_id: str) -> str:
        """Name a run, say since when it runs, and what to do where nobody knows whether it lives."""
        record = self._instance.get_run_record_by_id(run_id)
        since = f" (since {datetime.fromtimestamp(record.start_time):%H:%M:%S})" if record and record.start_time else ""
        if is_live(Path(self._instance.root_directory), run_id):
            return f"run {run_id}{since}"
        return f"run {run_id}{since}, of another machine or an older version: if it does not live, end it in the UI"
