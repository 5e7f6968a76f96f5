"""How many threads a training has, and how they wait for each other."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from legosigns_dagster.core.busy_waiting import CALM, INTERVAL, WAITED, time_in_queue
from legosigns_dagster.core.machine import usable_cores
from legosigns_dagster_tests.benchmarks.neighbours import busy_neighbours

# Computes with two threads for a moment and pauses, again and again. In the pauses only threads that wait take a core.
# For each line of its input, the seconds per second that its threads shall seem to stand in the queue, it prints the
# share of the pauses in which they take one.
PAUSES = """
import os, sys, threading, time
from legosigns_dagster.core import busy_waiting
from legosigns_dagster.detectors.ultralytics.detector import library

rate, queued = 0.0, 0.0

def time_in_queue():
    global queued
    queued += rate * busy_waiting.INTERVAL
    return queued

busy_waiting.time_in_queue = time_in_queue

def share_of_waiting(pauses):
    began = time.process_time()
    for _ in range(pauses):
        numbers.sum()
        time.sleep(0.002)
    return (time.process_time() - began) / (pauses * 0.002)

with library():
    import torch
    torch.set_num_threads(2)
    numbers = torch.ones(100_000)
    numbers.sum()
    for line in sys.stdin:
        rate = float(line)
        print(share_of_waiting(300), flush=True)
print(sorted(thread.name for thread in threading.enumerate()))
"""
LOAD, CALM_DOWN = 10 * WAITED, WAITED / 10
BUSY, ASLEEP = 0.4, 0.3  # shares of the pauses: busy threads take 0.5 to 1.2 of them, sleeping ones 0.05 to 0.1
cores = pytest.mark.skipif(usable_cores() < 2, reason="with one core no thread waits for another")


@contextmanager
def computing(settings: dict[str, str]) -> "Iterator[subprocess.Popen[str]]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    with subprocess.Popen([sys.executable, "-c", PAUSES], env=kept | settings, text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:  # fmt: skip
        share_of_waiting(process, CALM_DOWN)  # when it answers, it has loaded torch, which takes a while beside load
        yield process
        ended, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert ended == "['MainThread']\n"


def share_of_waiting(process: "subprocess.Popen[str]", load: float) -> float:
    """The share of the pauses in which threads take a core, while they seem to stand in the queue for so long."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{load}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def shares_of_waiting(process: "subprocess.Popen[str]", load: float) -> Iterator[float]:
    """Give shares until an end of the load must have been noticed."""
    end = time.monotonic() + 4 * CALM * INTERVAL
    while time.monotonic() < end:
        yield share_of_waiting(process, load)


@cores
@pytest.mark.torch
def test_threads_wait_busily_and_sleep_while_other_work_needs_the_cores() -> None:
    with computing({}) as process:
        assert any(share > BUSY for share in shares_of_waiting(process, CALM_DOWN))
        assert any(share < ASLEEP for share in shares_of_waiting(process, LOAD))
        assert any(share > BUSY for share in shares_of_waiting(process, CALM_DOWN))


@cores
@pytest.mark.torch
@pytest.mark.parametrize(
    ("settings", "lowest", "highest"),
    [
        pytest.param({"OMP_WAIT_POLICY": "ACTIVE"}, BUSY, float("inf"), id="busily, also beside load"),
        pytest.param({"OMP_WAIT_POLICY": "PASSIVE"}, 0, ASLEEP, id="asleep, also alone"),
    ],
)
def test_threads_wait_as_somebody_has_set(settings: dict[str, str], lowest: float, highest: float) -> None:
    with computing(settings) as process:
        for load in (LOAD, CALM_DOWN):
            shares = sorted(share_of_waiting(process, load) for _ in range(5))
            assert lowest < shares[2] < highest


def test_beside_more_busy_processes_than_cores_the_time_in_the_queue_shows_the_load() -> None:
    with busy_neighbours(2 * usable_cores()):
        queued, end = time_in_queue(), time.monotonic() + 2
        while time.monotonic() < end:
            sum(range(1000))
    assert time_in_queue() - queued > 2 * WAITED


COUNT = """
from legosigns_dagster.detectors.ultralytics.detector import library
for _ in range(2):
    with library():
        from ultralytics.utils import torch_utils
        print(torch_utils.NUM_THREADS)
"""


@pytest.mark.torch
@pytest.mark.parametrize(
    ("settings", "threads"),
    [
        pytest.param({}, usable_cores(), id="nothing is set: one for each core"),
        pytest.param({"OMP_NUM_THREADS": "1"}, 1, id="as many as somebody set"),
    ],
)
def test_every_training_of_a_process_has_a_thread_for_each_core_that_it_may_use(
    settings: dict[str, str], threads: int
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    done = subprocess.run([sys.executable, "-c", COUNT], env=kept | settings, capture_output=True, text=True)
    assert done.stdout.split() == [str(threads)] * 2, done.stderr
