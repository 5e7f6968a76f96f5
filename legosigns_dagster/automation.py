"""The job that makes everything, and the sensor that starts it after new annotations."""

from time import time

import dagster as dg

from legosigns_dagster.assets.metadata import SOURCE_STATE
from legosigns_dagster.core.ingestion.run_trigger import SensorCursor, last_used, reason_to_wait
from legosigns_dagster.local.killed_runs import end_killed_runs
from legosigns_dagster.resources.label_studio.errors import LabelStudioError
from legosigns_dagster.resources.project_watcher import ProjectWatcher

RAW_ANNOTATIONS = dg.AssetKey("raw_annotations")
ACTIVE_STATUSES = [
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
def new_annotations_sensor(context: dg.SensorEvaluationContext, project_watcher: ProjectWatcher) -> dg.SensorResult:
    """Start traffic_signs when people have annotated enough and then stopped for a while.

    Both limits are variables of the deployment. A state of the project starts one run. Where Label Studio does not
    answer, the tick is skipped and says why.
    """
    cursor, now_s = SensorCursor.from_text(context.cursor), time()
    try:
        state = project_watcher.poll()
        cursor = cursor.after_poll(state, now_s)
        used = last_used(cursor.launched, last_materialized_state(context.instance))
        thresholds = project_watcher.thresholds
        reason = reason_to_wait(
            state, now_s, cursor, used, thresholds, lambda since: project_watcher.count_changes(since, state)
        )
    except (LabelStudioError, ValueError) as error:
        return dg.SensorResult(skip_reason=str(error), cursor=cursor.to_text())
    if reason is None and is_run_active(context.instance):
        reason = "a run of traffic_signs is active: this state is checked again when it has ended"
    if reason:
        return dg.SensorResult(skip_reason=reason, cursor=cursor.to_text())
    return dg.SensorResult([dg.RunRequest(run_key=str(state))], cursor=cursor.after_launch().to_text())


def last_materialized_state(instance: dg.DagsterInstance) -> str:
    """Get the project's state from which raw_annotations was last made, empty where it was made from no project."""
    event = instance.get_latest_materialization_event(RAW_ANNOTATIONS)
    materialization = event.asset_materialization if event else None
    state = materialization.metadata.get(SOURCE_STATE) if materialization else None
    return str(state.value) if state else ""


def is_run_active(instance: dg.DagsterInstance) -> bool:
    """Tell whether a run of traffic_signs is queued or running. One that was killed is not."""
    end_killed_runs(instance)
    return instance.get_runs_count(dg.RunsFilter(job_name=traffic_signs.name, statuses=ACTIVE_STATUSES)) > 0
