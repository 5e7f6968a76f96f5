"""The sensor, against a real project."""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import dagster as dg
import pytest

from legosigns_dagster.automation import new_annotations_sensor, traffic_signs
from legosigns_dagster.definitions import load_definitions
from legosigns_dagster.deployments import deployment, s3_resource
from legosigns_dagster.resources import project_watcher
from legosigns_dagster.resources.inputs import Inputs
from legosigns_dagster.resources.project_watcher import ProjectWatcher
from legosigns_dagster_tests.support.builders import region
from legosigns_dagster_tests.support.label_studio_project import IMAGES, LabelStudioProject


class SensorDaemon:
    """A sensor daemon that ticks on demand, with a clock that tests can set."""

    def __init__(self, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, **inputs: str) -> None:
        self.instance, self.cursor, self.now_s = instance, "", 1e9
        monkeypatch.setattr("legosigns_dagster.automation.time", lambda: self.now_s)
        empty = dict.fromkeys(["base_weights", "classical_signs", "sign_cutouts", "backgrounds"], "")
        self.watcher = ProjectWatcher(inputs=Inputs(s3=s3_resource({}), **empty, **inputs), quiet_s=600, annotations=2)

    def tick(self, later_s: float = 0) -> str:
        """What a tick did after some time: the key of the run that it asked for, or why it asked for none."""
        self.now_s += later_s
        resources = {"project_watcher": self.watcher}
        with dg.build_sensor_context(self.instance, self.cursor, resources=resources) as context:
            result: Any = new_annotations_sensor(context)
        self.cursor = result.cursor
        return result.run_requests[0].run_key if result.run_requests else f"skipped: {result.skip_reason.skip_message}"


@pytest.fixture
def daemon(project: LabelStudioProject, monkeypatch: pytest.MonkeyPatch) -> Any:
    with dg.DagsterInstance.ephemeral() as instance:
        yield SensorDaemon(
            instance,
            monkeypatch,
            label_studio_url=project.labels.url,
            label_studio_key=project.labels.personal_token,
            label_studio_project=project.id,
        )


def test_a_run_is_asked_for_once_people_have_been_quiet(daemon: SensorDaemon) -> None:
    assert daemon.tick() == "skipped: people are annotating: quiet for 0:00 of 10:00 minutes"
    assert daemon.tick(590) == "skipped: people are annotating: quiet for 9:50 of 10:00 minutes"
    assert daemon.tick(20).endswith(f" {IMAGES} {IMAGES}")


def test_one_state_is_launched_once(daemon: SensorDaemon) -> None:
    daemon.tick()
    assert "skipped" not in daemon.tick(601)
    assert daemon.tick(601) == f"skipped: nothing changed since the last run: {IMAGES} tasks, {IMAGES} annotations"


def test_somebody_who_goes_on_annotating_starts_the_wait_again(
    daemon: SensorDaemon, project: LabelStudioProject
) -> None:
    daemon.tick()
    project.change_annotation(project.tasks()[0], [])
    assert "quiet for 0:00" in daemon.tick(601)
    assert "skipped" not in daemon.tick(601)


def test_a_few_changed_annotations_wait_for_more_and_unlabelled_tasks_do_not_count(
    daemon: SensorDaemon, project: LabelStudioProject
) -> None:
    daemon.tick()
    first = daemon.tick(601)
    project.change_annotation(project.tasks()[0], [])
    project.add_image(70)
    project.add_image(71)
    daemon.tick()
    assert daemon.tick(601) == "skipped: 1 annotations changed since the last run, waiting for 2"
    project.change_annotation(project.tasks()[1], [region(0, 0, 10, 10)])
    daemon.tick()
    assert daemon.tick(601) not in (first, "")


def test_deleted_annotations_are_changes(daemon: SensorDaemon, project: LabelStudioProject) -> None:
    daemon.tick()
    daemon.tick(601)
    for task in project.tasks()[:2]:
        project.labels.call("DELETE", f"tasks/{task}/")
    daemon.tick()
    assert daemon.tick(601).endswith(f" {IMAGES - 2} {IMAGES - 2}")


def test_what_was_materialized_by_hand_needs_no_other_run(daemon: SensorDaemon) -> None:
    state = str(daemon.watcher.poll())

    @dg.asset
    def raw_annotations() -> dg.Output[None]:
        return dg.Output(None, metadata={"source_state": state})

    dg.materialize([raw_annotations], instance=daemon.instance)
    daemon.tick()
    assert "nothing changed since the last run" in daemon.tick(601)


def test_an_active_run_is_waited_for(daemon: SensorDaemon) -> None:
    daemon.tick()
    job = dg.Definitions(jobs=[dg.job(name=traffic_signs.name)(lambda: None)]).resolve_job_def(traffic_signs.name)
    run = daemon.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert "a run of traffic_signs is active" in daemon.tick(601)
    daemon.instance.delete_run(run.run_id)
    assert "skipped" not in daemon.tick()


def run_of(name: str, daemon: SensorDaemon) -> dg.DagsterRun:
    """A participant's run of the job that has not ended."""
    job = load_definitions(deployment({"LEGOSIGNS_PARTICIPANT": name})).resolve_job_def(traffic_signs.name)
    return daemon.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=job.run_tags)


@pytest.mark.parametrize(("name", "waits"), [("alice", True), ("bob", False)])
def test_a_participant_waits_for_their_own_run_alone(
    name: str, waits: bool, daemon: SensorDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEGOSIGNS_PARTICIPANT", "alice")
    daemon.tick()
    run_of(name, daemon)
    assert ("a run of traffic_signs is active" in daemon.tick(601)) is waits


@pytest.mark.parametrize(("name", "is_used"), [("alice", True), ("bob", False)])
def test_what_another_participant_has_materialized_is_new_to_everybody_else(
    name: str, is_used: bool, daemon: SensorDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEGOSIGNS_PARTICIPANT", "alice")
    state = str(daemon.watcher.poll())

    @dg.asset(key_prefix=name)
    def raw_annotations() -> dg.Output[None]:
        return dg.Output(None, metadata={"source_state": state})

    dg.materialize([raw_annotations], instance=daemon.instance)
    daemon.tick()
    assert ("nothing changed since the last run" in daemon.tick(601)) is is_used


def end_run(daemon: SensorDaemon, key: str, status: dg.DagsterRunStatus) -> str:
    """Put a run for this key into the instance, as Dagster does for what a sensor asks for."""
    job = dg.Definitions(jobs=[dg.job(name=traffic_signs.name)(lambda: None)]).resolve_job_def(traffic_signs.name)
    return daemon.instance.create_run_for_job(job, status=status, tags={"dagster/run_key": key}).run_id


def test_a_run_that_failed_is_told_and_tried_again_once_after_a_pause(daemon: SensorDaemon) -> None:
    daemon.tick()
    first = daemon.tick(601)
    run_id = end_run(daemon, first, dg.DagsterRunStatus.FAILURE)
    assert daemon.tick(30) == f"skipped: run {run_id} failed: it is tried again once in 15:00 minutes"
    assert daemon.tick(600) == f"skipped: run {run_id} failed: it is tried again once in 5:00 minutes"
    second = daemon.tick(301)
    assert second == f"{first} again", "Dagster starts one run for a key"
    again = end_run(daemon, second, dg.DagsterRunStatus.FAILURE)
    for _ in range(2):
        assert daemon.tick(10_000).startswith(f"skipped: run {again} failed, the second one for this state")


def test_a_run_that_succeeded_the_second_time_needs_no_third(daemon: SensorDaemon) -> None:
    daemon.tick()
    end_run(daemon, daemon.tick(601), dg.DagsterRunStatus.FAILURE)
    daemon.tick()
    end_run(daemon, daemon.tick(901), dg.DagsterRunStatus.SUCCESS)
    assert "nothing changed since the last run" in daemon.tick(10_000)


@pytest.mark.parametrize(
    ("key", "status"),
    [("by hand", dg.DagsterRunStatus.FAILURE), ("by hand", dg.DagsterRunStatus.SUCCESS),
     ("", dg.DagsterRunStatus.CANCELED)],
    ids=["a later run by hand that failed", "a later run by hand", "a run that somebody ended"],
)  # fmt: skip
def test_what_a_person_did_since_is_not_undone(key: str, status: dg.DagsterRunStatus, daemon: SensorDaemon) -> None:
    daemon.tick()
    asked = daemon.tick(601)
    if key:
        end_run(daemon, asked, dg.DagsterRunStatus.FAILURE)
    end_run(daemon, key or asked, status)
    assert "nothing changed since the last run" in daemon.tick(10_000)


def test_new_annotations_after_a_failure_start_as_ever(daemon: SensorDaemon, project: LabelStudioProject) -> None:
    daemon.tick()
    end_run(daemon, first := daemon.tick(601), dg.DagsterRunStatus.FAILURE)
    for task in project.tasks()[:2]:
        project.change_annotation(task, [])
    assert "quiet for 0:00" in daemon.tick(901)
    assert "skipped" not in (asked := daemon.tick(601))
    assert not asked.startswith(first)


def never_answer(connection: socket.socket) -> None:
    time.sleep(6)


def answer_a_byte_at_a_time(connection: socket.socket) -> None:
    """A time-out of requests begins again with each byte."""
    with suppress(OSError):
        for byte in b"HTTP/1.1 200 OK" + b" " * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(never_answer, "Read timed out"), (answer_a_byte_at_a_time, "did not answer within 3 s: is it overloaded")],
)
def test_a_server_that_does_not_come_to_an_end_does_not_hold_the_tick(
    answer: Callable[[socket.socket], None], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_watcher, "TIMEOUT_S", (1, 1))
    monkeypatch.setattr(project_watcher, "ANSWER_WITHIN_S", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as server, dg.DagsterInstance.ephemeral() as instance:

        def accept() -> None:
            with suppress(OSError), server.accept()[0] as connection:
                answer(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        daemon = SensorDaemon(
            instance, monkeypatch, label_studio_url=url, label_studio_key="0" * 40, label_studio_project="1"
        )
        begin_s = time.monotonic()
        assert reason in daemon.tick()
        assert time.monotonic() - begin_s < 5
    thread.join()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"label_studio_url": "http://127.0.0.1:9"}, "did not answer in 1 tries.*is Label Studio running"),
        ({"label_studio_key": "no-such-key"}, "the legacy token in LABEL_STUDIO_API_KEY was refused"),
        ({"label_studio_project": "no such"}, "LABEL_STUDIO_PROJECT is 'no such'"),
        ({"label_studio_project": ""}, "no project to watch: set LABEL_STUDIO_URL"),
    ],
)
def test_what_cannot_be_asked_is_a_skipped_tick_that_says_why(
    changed: dict[str, str], reason: str, project: LabelStudioProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"label_studio_url": project.labels.url, "label_studio_key": project.labels.legacy_token,
             "label_studio_project": project.id}  # fmt: skip
    with dg.DagsterInstance.ephemeral() as instance:
        daemon = SensorDaemon(instance, monkeypatch, **(given | changed))
        for _ in range(2):
            with pytest.raises(AssertionError, match=reason):
                raise AssertionError(daemon.tick())
    assert json.loads(daemon.cursor)["launched"] == ""


def test_the_sensor_is_off_until_somebody_switches_it_on() -> None:
    assert new_annotations_sensor.default_status == dg.DefaultSensorStatus.STOPPED


def test_its_thresholds_are_set_by_variables() -> None:
    given = {"LEGOSIGNS_SENSOR_QUIET_S": "60", "LEGOSIGNS_SENSOR_ANNOTATIONS": "3"}
    watcher = deployment(given).resources["project_watcher"]
    assert (watcher.thresholds.quiet_s, watcher.thresholds.annotations) == (60, 3)
    with pytest.raises(ValueError, match="LEGOSIGNS_SENSOR_QUIET_S is 'ten', expected a whole number"):
        deployment({"LEGOSIGNS_SENSOR_QUIET_S": "ten"})
