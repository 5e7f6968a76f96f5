"""Steps in pods that say why they died or wait: dagster-k8s' step handler, which only says that a job failed."""

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
from legosigns_dagster.kubernetes.pod_failures import Trouble, created_pod, explain, explain_deadline, explain_missing

# A registry may be down for a moment and a secret may come late; what is wrong longer than this needs a person.
GIVE_UP_AFTER_S = 60.0
LOG_LINES = 10


def with_reasons(executor: dg.Executor) -> dg.Executor:
    """The executor that k8s_job_executor made, with a step handler that gives reasons."""
    if not isinstance(executor, StepDelegatingExecutor):
        raise TypeError(f"expected dagster-k8s' executor, got {type(executor).__name__}")
    executor._step_handler = ExplainingStepHandler(executor._step_handler)
    return executor


@dataclass
class Watched:
    """What was seen of a step's job so far."""

    trouble: Trouble | None = None
    since_s: float = field(default_factory=time.monotonic)


class ExplainingStepHandler(K8sStepHandler):
    """Tells in the run's log what a pod waits for, and in the step's failure what it died of.

    The reason is read at every health check, since Kubernetes forgets it: with the pod when it is preempted or its
    deadline passes, with the job after ttl_seconds_after_finished.
    """

    def __init__(self, theirs: Any) -> None:
        vars(self).update(vars(theirs))
        self._watched: dict[str, Watched] = {}

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        """Make room, then start the step's pod."""
        namespace = str(self._get_container_context(step_handler_context).namespace)
        log = step_handler_context.get_step_context(self._get_step_key(step_handler_context)).log
        try:
            for job in end_orphans(self._api_client, namespace, step_handler_context.instance):
                log.warning(f"ended {job}, which still worked for a run that is over")
        except (ApiException, HTTPError) as error:
            log.warning(f"pods of runs that are over could not be looked for: {str(error).splitlines()[0]}")
        yield from super().launch_step(step_handler_context)

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        """Whether the step's job is alive, and why not."""
        job = self._get_k8s_step_job_name(step_handler_context)
        namespace = str(self._get_container_context(step_handler_context).namespace)
        verdict = super().check_step_health(step_handler_context)
        watched = self._watched.setdefault(job, Watched())
        before = watched.trouble
        self._look(watched, job, namespace)
        trouble = watched.trouble
        if not verdict.is_healthy:
            told = [self._deadline(job, namespace), *(one.sentence for one in (trouble, before) if one)]
            reasons = "; ".join(filter(None, dict.fromkeys(told)))
            return CheckStepHealthResult.unhealthy(f"{reasons}\n({verdict.unhealthy_reason})") if reasons else verdict
        if trouble is None:
            return verdict
        if before is None or trouble.sentence != before.sentence:
            step = self._get_step_key(step_handler_context)
            step_handler_context.get_step_context(step).log.warning(f"step {step} waits: {trouble.sentence}")
        if trouble.permanent and time.monotonic() - watched.since_s > GIVE_UP_AFTER_S:
            self._api_client.delete_job(job_name=job, namespace=namespace)
            return CheckStepHealthResult.unhealthy(f"{trouble.sentence} (given up after {GIVE_UP_AFTER_S:.0f} s)")
        return verdict

    def _look(self, watched: Watched, job: str, namespace: str) -> None:
        """Bring what is known of a job up to date; what cannot be read now is what was read last."""
        try:
            trouble = self._trouble(job, namespace)
        except (ApiException, HTTPError) as error:
            told = f"why is not known, since Kubernetes refused to tell: {str(error).splitlines()[0]}"
            watched.trouble = watched.trouble or Trouble(told)
            return
        if trouble is None or watched.trouble is None or trouble.permanent != watched.trouble.permanent:
            watched.since_s = time.monotonic()
        watched.trouble = trouble

    def _trouble(self, job: str, namespace: str) -> Trouble | None:
        """What is wrong with the job's newest pod, or with the job where it has none."""
        core: Any = self._api_client.core_api
        pods = self._api_client.get_pods_in_job(job, namespace)
        if not pods:
            told = self._events(job, namespace)
            gone = created_pod(told)
            return explain_missing(told, self._events(gone, namespace) if gone else [])
        newest = max(pods, key=lambda pod: pod.metadata.creation_timestamp)
        name = newest.metadata.name
        log = ""
        if newest.status.phase == "Failed":
            try:
                log = self._api_client.retrieve_pod_logs(name, namespace, tail_lines=LOG_LINES)
            except ApiException:
                log = ""  # a pod that never ran has none
        settled = newest.status.phase in ("Running", "Succeeded")
        events = [] if settled else self._events(name, namespace)
        return explain(core.api_client.sanitize_for_serialization(newest), events, log)

    def _deadline(self, job: str, namespace: str) -> str:
        """That the job's deadline ended it; empty where it did not."""
        status = self._api_client.get_job_status(job, namespace)
        conditions = (status.conditions if status else None) or []
        return explain_deadline([{"reason": condition.reason} for condition in conditions])

    def _events(self, name: str, namespace: str) -> list[dict[str, Any]]:
        """What happened to a job or a pod, the oldest first."""
        core: Any = self._api_client.core_api
        found = self._api_client.retrieve_pod_events(name, namespace)
        return [core.api_client.sanitize_for_serialization(event) for event in found]
