"""When a change in Label Studio starts a run: enough annotations changed, and nobody has annotated for a while."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from legosigns_dagster.core.ingestion.project_state import SourceState
from legosigns_dagster.core.progress import format_duration

RETRY_AFTER_S = 900.0  # a server or a node that was away may be back by then


@dataclass(frozen=True)
class SensorCursor:
    """What the sensor keeps from one tick to the next. Its fields are the keys of the stored text.

    Attributes:
        state: The project's state at the last tick, empty before the first.
        since_s: When that state was first met, in seconds since 1970 of our own clock.
        launched: The state that the last run was launched for, empty before the first.
        failed_s: When that run was first met as failed, in seconds since 1970 of our own clock; 0 before.
        retried: Whether a second run was launched for that state.
    """

    state: str = ""
    since_s: float = 0.0
    launched: str = ""
    failed_s: float = 0.0
    retried: bool = False

    @classmethod
    def from_text(cls, cursor: str | None) -> "SensorCursor":
        """Read what `to_text` wrote. Without a text it is the cursor of a first tick."""
        return cls(**json.loads(cursor)) if cursor else cls()

    def to_text(self) -> str:
        """Write it as the text that Dagster stores."""
        return json.dumps(asdict(self))

    def after_launch(self) -> "SensorCursor":
        """Note that a run was launched for the present state."""
        return replace(self, launched=self.state, failed_s=0.0, retried=False)

    def after_failure(self, now_s: float) -> "SensorCursor":
        """Note that the run that was launched last has failed, at the first time that this is seen."""
        return self if self.failed_s else replace(self, failed_s=now_s)

    def after_retry(self) -> "SensorCursor":
        """Note that a second run was launched for the same state."""
        return replace(self, failed_s=0.0, retried=True)

    def after_poll(self, state: SourceState, now_s: float) -> "SensorCursor":
        """Note the project's state at `now_s` seconds. Where it changed, its time begins now."""
        return self if self.state == str(state) else replace(self, state=str(state), since_s=now_s)


@dataclass(frozen=True)
class TriggerThresholds:
    """What must have happened before a run starts.

    Attributes:
        quiet_s: For how long nobody must have changed anything, in seconds.
        annotations: How many annotations must have changed.
    """

    quiet_s: float
    annotations: int


def last_used(launched: str, materialized: str) -> SourceState | None:
    """Choose the later of two states: the one that a run was launched for, and the one the dataset was made from."""
    known = [state for state in map(SourceState.parse, (launched, materialized)) if state]
    return max(known, key=lambda state: state.newest, default=None)


def reason_to_wait(
    now: SourceState,
    now_s: float,
    cursor: SensorCursor,
    used: SourceState | None,
    thresholds: TriggerThresholds,
    changed_since: Callable[[SourceState | None], int],
) -> str | None:
    """Decide whether a run starts for the state of a project.

    The quiet time is measured on our own clock, from when a state was first met: a deletion has no date, and the
    server's clock may differ.

    Args:
        now: The project's state now.
        now_s: The time now, in seconds since 1970.
        cursor: What the sensor has kept.
        used: The state that the last run used.
        thresholds: What must have happened before a run starts.
        changed_since: Counts the annotations that changed since a state. Called last, since it costs a request.

    Returns:
        Why no run starts, as a sentence for people. None when one should start.
    """
    if used and (used.server, used.project) != (now.server, now.project):
        used = None
    if used == now:
        return f"nothing changed since the last run: {now.tasks} tasks, {now.annotations} annotations"
    quiet_s = now_s - cursor.since_s
    if quiet_s < thresholds.quiet_s:
        quiet, wanted = format_duration(quiet_s), format_duration(thresholds.quiet_s)
        return f"people are annotating: quiet for {quiet} of {wanted} minutes"
    changed = changed_since(used)
    if changed < thresholds.annotations:
        return f"{changed} annotations changed since the last run, waiting for {thresholds.annotations}"
    return None


def reason_not_to_retry(cursor: SensorCursor, run_id: str, now_s: float) -> str | None:
    """Decide whether a second run starts for a state whose run has failed: once, after a pause.

    Args:
        cursor: What the sensor has kept, `after_failure`.
        run_id: The run that failed.
        now_s: The time now, in seconds since 1970.

    Returns:
        Why none starts, as a sentence for people. None when one should start.
    """
    if cursor.retried:
        return (
            f"run {run_id} failed, the second one for this state, which is not tried again: its log tells why; start "
            "traffic_signs by hand, or change annotations"
        )
    left_s = cursor.failed_s + RETRY_AFTER_S - now_s
    return f"run {run_id} failed: it is tried again once in {format_duration(left_s)} minutes" if left_s > 0 else None
