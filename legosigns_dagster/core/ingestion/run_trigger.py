"""When a change in Label Studio is worth a run: enough of it, and nobody is at work any more."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from legosigns_dagster.core.ingestion.project_state import SourceState
from legosigns_dagster.core.progress import format_duration


@dataclass(frozen=True)
class SensorCursor:
    """What is remembered from tick to tick: the state seen last, since when in seconds, and the last one launched."""

    state: str = ""
    since_s: float = 0.0
    launched: str = ""

    @classmethod
    def from_text(cls, cursor: str | None) -> "SensorCursor":
        """What `to_text` wrote; nothing seen where there is no cursor."""
        return cls(**json.loads(cursor)) if cursor else cls()

    def to_text(self) -> str:
        """As a cursor."""
        return json.dumps(asdict(self))

    def after_launch(self) -> "SensorCursor":
        """The same after a run was launched for the state seen last."""
        return replace(self, launched=self.state)

    def after_poll(self, state: SourceState, now_s: float) -> "SensorCursor":
        """The same after a look at `now_s`: another state has been there since now."""
        return self if self.state == str(state) else replace(self, state=str(state), since_s=now_s)


@dataclass(frozen=True)
class TriggerThresholds:
    """How long annotators must have been quiet, in seconds, and how many annotations must have changed."""

    quiet_s: float
    annotations: int


def last_used(launched: str, materialized: str) -> SourceState | None:
    """The later of the state that a run was launched for and the one that the dataset was made of."""
    known = [state for state in map(SourceState.parse, (launched, materialized)) if state]
    return max(known, key=lambda state: state.newest, default=None)


def reason_to_wait(
    now: SourceState,
    now_s: float,
    seen: SensorCursor,
    used: SourceState | None,
    patience: TriggerThresholds,
    changed_since: Callable[[SourceState | None], int],
) -> str | None:
    """Why no run is launched for this state, in words for people; None when one should be.

    Quiet is measured on our own clock, from when a state was first seen: a deletion has no date, and the server's clock
    may be another. `changed_since` counts the annotations that changed; it is asked last, since it costs a request.
    """
    if used and (used.server, used.project) != (now.server, now.project):
        used = None
    if used == now:
        return f"nothing changed since the last run: {now.tasks} tasks, {now.annotations} annotations"
    quiet_s = now_s - seen.since_s
    if quiet_s < patience.quiet_s:
        quiet, wanted = format_duration(quiet_s), format_duration(patience.quiet_s)
        return f"people are annotating: quiet for {quiet} of {wanted} minutes"
    changed = changed_since(used)
    if changed < patience.annotations:
        return f"{changed} annotations changed since the last run, waiting for {patience.annotations}"
    return None
