"""What is run as one, and what starts it: the job that makes everything, and a sensor for new annotations."""

from time import time

import dagster as dg

from legosigns_dagster.assets.metadata import SOURCE_STATE
from legosigns_dagster.core.ingestion.run_trigger import SensorCursor, last_used, reason_to_wait
from legosigns_dagster.resources.label_studio.client import LabelStudioError
from legosigns_dagster.resources.project_watcher import ProjectWatcher

RAW_ANNOTATIONS = dg.AssetKey("raw_annotations")
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]

traffic_signs = dg.define_asset_job(
    "traffic_signs",
    selection=dg.AssetSelection.all(),
    description="Everything: snapshots of the sources, the dataset, synthetic images, new weights, and the comparison "
    "of base and new.",
)


@dg.sensor(job=traffic_signs, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.STOPPED)
def new_annotations_sensor(context: dg.SensorEvaluationContext, watching: ProjectWatcher) -> dg.SensorResult:
    """Starts traffic_signs once people have annotated enough and then been quiet, both by the deployment's variables.

    One run for one state of the project. A server that does not answer is a skipped tick that says so.
    """
    seen, now_s = SensorCursor.from_text(context.cursor), time()
    try:
        state = watching.look()
        seen = seen.after_poll(state, now_s)
        used = last_used(seen.launched, materialized_state(context.instance))
        reason = reason_to_wait(
            state, now_s, seen, used, watching.patience, lambda since: watching.changed_since(since, state)
        )
    except (LabelStudioError, ValueError) as error:
        return dg.SensorResult(skip_reason=str(error), cursor=seen.to_text())
    if reason is None and under_way(context.instance):
        reason = "a run of traffic_signs is under way: this state is looked at again after it"
    if reason:
        return dg.SensorResult(skip_reason=reason, cursor=seen.to_text())
    return dg.SensorResult([dg.RunRequest(run_key=str(state))], cursor=seen.after_launch().to_text())


def materialized_state(instance: dg.DagsterInstance) -> str:
    """The state of the source that the current raw_annotations was made of; empty where it was not made from one."""
    event = instance.get_latest_materialization_event(RAW_ANNOTATIONS)
    materialization = event.asset_materialization if event else None
    told = materialization.metadata.get(SOURCE_STATE) if materialization else None
    return str(told.value) if told else ""


def under_way(instance: dg.DagsterInstance) -> bool:
    """Whether a run of traffic_signs waits or works."""
    return instance.get_runs_count(dg.RunsFilter(job_name=traffic_signs.name, statuses=UNDER_WAY)) > 0
