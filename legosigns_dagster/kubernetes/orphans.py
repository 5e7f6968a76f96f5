"""Pods that work on for a run that is over, since the pod that would have ended them died first."""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

# A step's pod outlives its run by the seconds in which it uploads what it printed.
MERCY_S = 20.0
STEPS = "app.kubernetes.io/component=step_worker"


def end_orphans(client: Any, namespace: str, instance: dg.DagsterInstance) -> Iterator[str]:
    """End, with dagster-k8s' client, the jobs of steps whose run has been over for a while; the name of each.

    Their slot in a pool comes free some time after their run, and the step that takes it would share their GPU.
    """
    for job in client.batch_api.list_namespaced_job(namespace=namespace, label_selector=STEPS).items:
        # A run that this instance does not know belongs to somebody else in the same namespace.
        if job.status.active and is_over(instance, job.metadata.labels.get("dagster/run-id", "")):
            client.delete_job(job_name=job.metadata.name, namespace=namespace)
            yield str(job.metadata.name)


def is_over(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether this run of the instance ended, and not just now."""
    record = instance.get_run_record_by_id(run_id)
    return bool(record and record.end_time and record.end_time < time.time() - MERCY_S)
