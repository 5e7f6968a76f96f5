"""When a change starts a run. What the sensor keeps is read again by later releases."""

import json

import pytest

from legosigns_dagster.core.ingestion.project_state import SourceState
from legosigns_dagster.core.ingestion.run_trigger import SensorCursor, TriggerThresholds, last_used, reason_to_wait

EARLIER = SourceState("http://host/", "1", "2026-01-01T12:00:00.000000Z", 30, 40)
NOW = SourceState("http://host/", "1", "2026-01-02T12:00:00.000000Z", 30, 50)
THRESHOLDS = TriggerThresholds(quiet_s=600, annotations=10)


def test_a_cursor_is_stored_with_these_keys_and_is_empty_before_the_first_tick() -> None:
    first = SensorCursor.from_text(None)
    keys = {"state": "", "since_s": 0.0, "launched": "", "failed_s": 0.0, "retried": False}
    assert json.loads(first.to_text()) == keys
    later = first.after_poll(NOW, 7.0).after_launch()
    assert json.loads(later.to_text()) == keys | {"state": str(NOW), "since_s": 7.0, "launched": str(NOW)}
    assert SensorCursor.from_text(later.to_text()) == later


def test_the_quiet_time_begins_when_a_state_is_first_met() -> None:
    cursor = SensorCursor().after_poll(EARLIER, 1.0).after_poll(NOW, 5.0)
    assert cursor.after_poll(NOW, 9.0).since_s == 5.0


@pytest.mark.parametrize(
    ("quiet_s", "changed", "reason"),
    [
        (599, 10, "people are annotating: quiet for 9:59 of 10:00 minutes"),
        (600, 9, "9 annotations changed since the last run, waiting for 10"),
        (600, 10, None),
    ],
)
def test_a_run_waits_for_quiet_and_for_enough_annotations(quiet_s: float, changed: int, reason: str | None) -> None:
    cursor = SensorCursor().after_poll(NOW, 1000.0)
    asked = reason_to_wait(NOW, 1000.0 + quiet_s, cursor, EARLIER, THRESHOLDS, lambda _: changed)
    assert asked == reason


@pytest.mark.parametrize("elsewhere", [{"server": "http://other/"}, {"project": "2"}])
def test_what_was_used_of_another_project_does_not_count(elsewhere: dict[str, str]) -> None:
    since: list[SourceState | None] = []

    def count(used: SourceState | None) -> int:
        since.append(used)
        return 10

    cursor = SensorCursor().after_poll(NOW, 0.0)
    assert "nothing changed" in str(reason_to_wait(NOW, 600.0, cursor, NOW, THRESHOLDS, count))
    other = SourceState(**(vars(NOW) | elsewhere))
    assert reason_to_wait(NOW, 600.0, cursor, other, THRESHOLDS, count) is None
    assert since == [None]


def test_the_later_of_launched_and_materialized_was_used_last() -> None:
    assert last_used(str(EARLIER), str(NOW)) == last_used(str(NOW), str(EARLIER)) == NOW
    assert last_used("", str(EARLIER)) == EARLIER
    assert last_used("", "no state") is None
