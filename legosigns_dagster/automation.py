"""The job that makes everything, and the sensor that starts it after new annotations."""

import os
from time import time

import dagster as dg

from legosigns_dagster.assets.metadata import SOURCE_STATE
from legosigns_dagster.core.ingestion.run_trigger import (
    SensorCursor,
    last_used,
    reason_not_to_retry,
    reason_to_wait,
)
from legosigns_dagster.endpoint import ENDPOINT_ANSWERS
from legosigns_dagster.local.killed_runs import end_killed_runs
from legosigns_dagster.participant import own_key, own_tags, participant
from legosigns_dagster.resources.label_studio.errors import LabelStudioError
from legosigns_dagster.resources.project_watcher import ProjectWatcher

RUN_KEY = "dagster/run_key"  # the tag of a run that a sensor asked for
ACTIVE_STATUSES = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]

traffic_signs = dg.define_asset_job(
    "traffic_signs",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("release"),
    description="Everything: snapshots of the sources, the dataset, synthetic images, new weights, and the comparison "
    "of base and new.",
)

release = dg.define_asset_job(
    "release",
    # The check of the server comes later: what was just released is not rolled out yet.
    selection=dg.AssetSelection.groups("release") - ENDPOINT_ANSWERS,
    description="The newest weights, tried in the engines that serve, compared with what is served now, and published.",
)


@dg.sensor(
    job_name=traffic_signs.name,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Starts traffic_signs when people have annotated enough in Label Studio and then stopped for a while.",
)
def new_annotations_sensor(context: dg.SensorEvaluationContext, project_watcher: ProjectWatcher) -> dg.SensorResult:
    """Start traffic_signs when people have annotated enough and then stopped for a while.

    Both limits are variables of the deployment. A state of the project starts one run, and a second one after a pause
    where the first failed. Where Label Studio does not answer, the tick is skipped and says why. What other
    participants do is not looked at.
    """
    cursor, now_s, name = SensorCursor.from_text(context.cursor), time(), participant(os.environ)
    try:
        state = project_watcher.poll()
        cursor = cursor.after_poll(state, now_s)
        failed = failed_run(context.instance, cursor, name)
        if failed:
            cursor = cursor.after_failure(now_s)
            reason = reason_not_to_retry(cursor, failed, now_s)
        else:
            used = last_used(cursor.launched, last_materialized_state(context.instance, name))
            thresholds = project_watcher.thresholds
            reason = reason_to_wait(
                state, now_s, cursor, used, thresholds, lambda since: project_watcher.count_changes(since, state)
            )
    except (LabelStudioError, ValueError) as error:
        return dg.SensorResult(skip_reason=str(error), cursor=cursor.to_text())
    if reason is None and is_run_active(context.instance, name):
        reason = "a run of traffic_signs is active: this state is checked again when it has ended"
    if reason:
        return dg.SensorResult(skip_reason=reason, cursor=cursor.to_text())
    first, second = run_keys(str(state))
    cursor, run_key = (cursor.after_retry(), second) if failed else (cursor.after_launch(), first)
    return dg.SensorResult([dg.RunRequest(run_key=run_key)], cursor=cursor.to_text())


def run_keys(state: str) -> tuple[str, str]:
    """The keys of a state's first run and of its second one: Dagster starts one run for a key."""
    return state, f"{state} again"


def failed_run(instance: dg.DagsterInstance, cursor: SensorCursor, name: str) -> str:
    """Get the id of the failed run of the present state; empty where it has not failed, or another run came later."""
    newest = instance.get_runs(dg.RunsFilter(job_name=traffic_signs.name, tags=own_tags(name)), limit=1)
    if cursor.launched != cursor.state or not newest or newest[0].status != dg.DagsterRunStatus.FAILURE:
        return ""
    return newest[0].run_id if newest[0].tags.get(RUN_KEY) in run_keys(cursor.state) else ""


def last_materialized_state(instance: dg.DagsterInstance, name: str) -> str:
    """Get the project's state from which raw_annotations was last made, empty where it was made from no project."""
    event = instance.get_latest_materialization_event(own_key(name, "raw_annotations"))
    materialization = event.asset_materialization if event else None
    state = materialization.metadata.get(SOURCE_STATE) if materialization else None
    return str(state.value) if state else ""


def is_run_active(instance: dg.DagsterInstance, name: str = "") -> bool:
    """Tell whether a participant's run of traffic_signs is queued or running. One that was killed is not."""
    end_killed_runs(instance)
    own = dg.RunsFilter(job_name=traffic_signs.name, statuses=ACTIVE_STATUSES, tags=own_tags(name))
    return instance.get_runs_count(own) > 0
