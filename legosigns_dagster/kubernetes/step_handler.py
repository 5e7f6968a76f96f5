"""A step handler for dagster-k8s that says why a step's pod failed or waits. The original says only that a job failed.

It uses internals of Dagster: `StepDelegatingExecutor._step_handler`, four private members of `K8sStepHandler`, and
`CheckStepHealthResult`. They were checked with dagster 1.13.27 and dagster-k8s 0.29.27. After an update of Dagster,
`kubernetes/test_step_handler.py` fails until they are checked again, and where one of them is gone.
`kubernetes/stand_in/test_failures.py` fails where the reasons no longer reach the run's log.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster import DagsterEvent
from dagster._core.executor.step_delegating import CheckStepHealthResult, StepDelegatingExecutor, StepHandlerContext
from dagster_k8s.executor import K8sStepHandler
from kubernetes.client.rest import ApiException
from urllib3.exceptions import HTTPError

from legosigns_dagster.kubernetes.orphans import end_orphans
from legosigns_dagster.kubernetes.pod_failures import (
    PodProblem,
    explain,
    explain_deadline,
    explain_missing,
    newest_pod_name,
)

# A registry may be down for a moment, and a secret may come late. What is wrong for longer needs a person.
GIVE_UP_AFTER_S = 60.0
LOG_LINES = 10


def add_explanations(executor: dg.Executor) -> dg.Executor:
    """Replace the step handler of the executor that `k8s_job_executor` made.

    Raises:
        TypeError: The executor is another one, so Dagster's internals have changed.
    """
    if not isinstance(executor, StepDelegatingExecutor):
        raise TypeError(f"expected dagster-k8s' executor, got {type(executor).__name__}")
    executor._step_handler = ExplainingStepHandler(executor._step_handler)
    return executor


@dataclass
class JobState:
    """What is known about the job of a step.

    Attributes:
        problem: What was wrong at the last health check. None: nothing.
        since_s: When a problem of this kind began, in seconds of the monotonic clock.
    """

    problem: PodProblem | None = None
    since_s: float = field(default_factory=time.monotonic)


class ExplainingStepHandler(K8sStepHandler):
    """Writes into the run's log what a pod waits for, and into the step's failure why its pod failed.

    The reason is read at every health check, since Kubernetes forgets it: with the pod when the pod is preempted or its
    deadline passes, and with the job after ttl_seconds_after_finished.

    Args:
        original: Dagster-k8s' own handler, which has read its settings and connected. Its attributes are taken over as
            they are: its constructor would need the settings again.
    """

    def __init__(self, original: Any) -> None:
        vars(self).update(vars(original))
        self._job_states: dict[str, JobState] = {}

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        """End pods of finished runs, then start the step's pod."""
        namespace = str(self._get_container_context(step_handler_context).namespace)
        log = step_handler_context.get_step_context(self._get_step_key(step_handler_context)).log
        try:
            for job in end_orphans(self._api_client, namespace, step_handler_context.instance):
                log.warning(f"ended {job}, which was still running for a finished run")
        except (ApiException, HTTPError) as error:
            log.warning(f"could not list pods of finished runs: {str(error).splitlines()[0]}")
        yield from super().launch_step(step_handler_context)

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        """Check whether the step's job is alive, and explain why not."""
        job = self._get_k8s_step_job_name(step_handler_context)
        namespace = str(self._get_container_context(step_handler_context).namespace)
        health = super().check_step_health(step_handler_context)
        state = self._job_states.setdefault(job, JobState())
        previous = state.problem
        self._update(state, job, namespace)
        problem = state.problem
        if not health.is_healthy:
            sentences = [p.sentence for p in (problem, previous) if p]
            reasons = "; ".join(filter(None, dict.fromkeys([self._explain_deadline(job, namespace), *sentences])))
            return CheckStepHealthResult.unhealthy(f"{reasons}\n({health.unhealthy_reason})") if reasons else health
        if problem is None:
            return health
        if previous is None or problem.sentence != previous.sentence:
            step = self._get_step_key(step_handler_context)
            step_handler_context.get_step_context(step).log.warning(f"step {step} waits: {problem.sentence}")
        if problem.permanent and time.monotonic() - state.since_s > GIVE_UP_AFTER_S:
            self._api_client.delete_job(job_name=job, namespace=namespace)
            return CheckStepHealthResult.unhealthy(f"{problem.sentence} (given up after {GIVE_UP_AFTER_S:.0f} s)")
        return health

    def _update(self, state: JobState, job: str, namespace: str) -> None:
        """Read again what is wrong with a job. Where Kubernetes does not answer, the last known problem stays."""
        try:
            problem = self._find_problem(job, namespace)
        except (ApiException, HTTPError) as error:
            reason = f"the reason is not known, since Kubernetes did not answer: {str(error).splitlines()[0]}"
            state.problem = state.problem or PodProblem(reason)
            return
        if problem is None or state.problem is None or problem.permanent != state.problem.permanent:
            state.since_s = time.monotonic()
        state.problem = problem

    def _find_problem(self, job: str, namespace: str) -> PodProblem | None:
        """Find out what is wrong with the job's newest pod, or with the job where it has none."""
        core: Any = self._api_client.core_api
        pods = self._api_client.get_pods_in_job(job, namespace)
        if not pods:
            job_events = self._read_events(job, namespace)
            missing = newest_pod_name(job_events)
            return explain_missing(job_events, self._read_events(missing, namespace) if missing else [])
        newest = max(pods, key=lambda pod: pod.metadata.creation_timestamp)
        name = newest.metadata.name
        log = ""
        if newest.status.phase == "Failed":
            try:
                log = self._api_client.retrieve_pod_logs(name, namespace, tail_lines=LOG_LINES)
            except ApiException:
                log = ""  # a pod that never ran has none
        has_started = newest.status.phase in ("Running", "Succeeded")
        events = [] if has_started else self._read_events(name, namespace)
        return explain(core.api_client.sanitize_for_serialization(newest), events, log)

    def _explain_deadline(self, job: str, namespace: str) -> str:
        """Say that the job reached its deadline. Empty: it did not."""
        status = self._api_client.get_job_status(job, namespace)
        conditions = (status.conditions if status else None) or []
        return explain_deadline([{"reason": condition.reason} for condition in conditions])

    def _read_events(self, name: str, namespace: str) -> list[dict[str, Any]]:
        """Read the events of a job or a pod, the oldest first."""
        core: Any = self._api_client.core_api
        events = self._api_client.retrieve_pod_events(name, namespace)
        return [core.api_client.sanitize_for_serialization(event) for event in events]
