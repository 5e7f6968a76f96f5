"""Pods that still run for a finished run, because the pod that would have ended them was lost first."""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

# A step's pod lives a few seconds longer than its run, in which it uploads its log.
GRACE_PERIOD_S = 20.0
STEP_PODS = "app.kubernetes.io/component=step_worker"


def end_orphans(client: Any, namespace: str, instance: dg.DagsterInstance) -> Iterator[str]:
    """End the jobs of steps whose run has finished, with dagster-k8s' client, and give the name of each.

    Their slot in a pool comes free some time after their run. The step that takes the slot would share their GPU.
    """
    for job in client.batch_api.list_namespaced_job(namespace=namespace, label_selector=STEP_PODS).items:
        # A run that this instance does not know belongs to somebody else in the same namespace.
        if job.status.active and has_finished(instance, job.metadata.labels.get("dagster/run-id", "")):
            client.delete_job(job_name=job.metadata.name, namespace=namespace)
            yield str(job.metadata.name)


def has_finished(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Check that the instance has this run, and that the run ended longer ago than the grace period."""
    record = instance.get_run_record_by_id(run_id)
    return bool(record and record.end_time and record.end_time < time.time() - GRACE_PERIOD_S)
