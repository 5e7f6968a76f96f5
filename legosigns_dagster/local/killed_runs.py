"""What killed runs leave in Dagster's history, put right."""

from pathlib import Path

import dagster as dg

from legosigns_dagster.local.run_locks import killed_runs

MESSAGE = "The process of this run ended without a word: it was killed, or the machine went down."


def end_killed_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed whose process on this machine was killed, and give back their slots and places in pools.

    Dagster would count them as running for good: a slot of a pool stays taken, and the sensor waits for their end.

    Returns:
        The ids of these runs.
    """
    ended = []
    for run_id in killed_runs(Path(instance.root_directory)):
        run = instance.get_run_by_id(run_id)
        if run and not run.is_finished:
            instance.report_run_failed(run, MESSAGE)
        instance.event_log_storage.free_concurrency_slots_for_run(run_id)
        ended.append(run_id)
    return ended
