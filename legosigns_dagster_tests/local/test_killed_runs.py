"""Runs of the command line on one machine, killed, interrupted and waiting for each other's slot."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from legosigns_dagster.automation import is_run_active
from legosigns_dagster.local.run_locks import lock_folder
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.workplace import DAGSTER, OWN_NOTICE

LONG, SHORT = 600, 0
TIMEOUT_S = 120

pytestmark = pytest.mark.server


class Laptop:
    """A home of Dagster with the project's dagster.yaml, and the commands that were started in it."""

    def __init__(self, home: Path) -> None:
        self.home, self.started = home, list[subprocess.Popen[str]]()
        shutil.copyfile(ROOT / "dagster.yaml", home / "dagster.yaml")

    def train(self, seconds: float) -> "subprocess.Popen[str]":
        """Start a run that holds the slot this long."""
        config = f'{{"ops": {{"training": {{"config": {{"seconds": {seconds}}}}}}}}}'
        location = "legosigns_dagster_tests.support.local_code_location"
        command = [DAGSTER, "asset", "materialize", "-m", location, "--select", "training", "--config-json", config]
        environment = os.environ | {"DAGSTER_HOME": str(self.home), "PYTHONWARNINGS": OWN_NOTICE}
        run = subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stderr=subprocess.PIPE)
        self.started.append(run)
        return run

    def kill(self, run: "subprocess.Popen[str]") -> None:
        """End a run as `kill -9` does."""
        run.kill()
        run.wait()

    def statuses(self) -> list[str]:
        """The statuses of all runs, the oldest first."""
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            return [run.status.value for run in reversed(instance.get_runs())]


def read_until(run: "subprocess.Popen[str]", word: str) -> str:
    """Read what a run says until it says this. Returns that line."""
    assert run.stderr
    said = []
    for line in run.stderr:
        said.append(line)
        if word in line:
            return line
    raise AssertionError("".join(said))


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[Laptop]:
    laptop = Laptop(tmp_path)
    yield laptop
    for run in laptop.started:
        laptop.kill(run)
        assert run.stderr
        run.stderr.close()


def test_after_kill_9_the_same_command_goes_on_at_once(laptop: Laptop) -> None:
    killed = laptop.train(LONG)
    read_until(killed, "training begins")
    laptop.kill(killed)
    again = laptop.train(SHORT)
    assert "is marked as failed, its slots in pools are free" in read_until(again, "was killed")
    read_until(again, "training begins")
    assert again.wait(TIMEOUT_S) == 0
    assert laptop.statuses() == ["FAILURE", "SUCCESS"]
    assert list(lock_folder(laptop.home).iterdir()) == []


def test_a_run_that_waits_says_for_whom_and_goes_on_when_that_one_is_killed(laptop: Laptop) -> None:
    first = laptop.train(LONG)
    read_until(first, "training begins")
    waits, killed_in_the_queue = laptop.train(SHORT), laptop.train(SHORT)
    with dg.DagsterInstance.from_config(str(laptop.home)) as instance:
        (run,) = [run for run in instance.get_runs() if run.status.value == "STARTED"][-1:]
    assert f"step training waits: the slots of the pool 'gpu' are taken by run {run.run_id} (since" in read_until(
        waits, "waits"
    )
    read_until(killed_in_the_queue, "waits")
    laptop.kill(killed_in_the_queue)
    laptop.kill(first)
    read_until(waits, "training begins")
    assert waits.wait(TIMEOUT_S) == 0
    assert sorted(laptop.statuses()) == ["FAILURE", "FAILURE", "SUCCESS"]


def test_a_wait_ends_with_ctrl_c_and_with_sigterm(laptop: Laptop) -> None:
    first = laptop.train(LONG)
    read_until(first, "training begins")
    waits = {number: laptop.train(SHORT) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, run in waits.items():
        read_until(run, "waits")
        interrupted = time.monotonic()
        run.send_signal(number)
        assert run.wait(TIMEOUT_S) != 0
        assert time.monotonic() - interrupted < 20
    assert laptop.statuses() == ["STARTED", "FAILURE", "FAILURE"]
    assert len(list(lock_folder(laptop.home).iterdir())) == 1


def test_the_sensor_does_not_wait_for_a_run_that_was_killed(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        run = instance.create_run_for_job(
            dg.job(name="traffic_signs")(lambda: None), status=dg.DagsterRunStatus.STARTED
        )
        assert is_run_active(instance)
        lock_folder(tmp_path).mkdir()
        (lock_folder(tmp_path) / run.run_id).touch()
        assert not is_run_active(instance)
        assert "it was killed" in str(instance.all_logs(run.run_id)[-1].message)
