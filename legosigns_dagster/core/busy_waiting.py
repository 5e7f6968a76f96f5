"""How the threads of OpenMP wait for each other: in a busy loop, or asleep while other work needs the cores.

The threads of a training meet thousands of times in a step. In a busy loop they go on at once, which makes a training
nearly twice as fast as with threads that sleep. Beside other work the loop takes the core from the very thread that is
waited for. No variable is right for both, and OpenMP reads its variables only once. It has another rule, though: while
it manages more threads than there are cores, waiting threads go to sleep at once (`gomp_throttled_spin_count_var`).

So the threads' time in the scheduler's queue is watched. While they stand in it, one more team of threads is kept,
which does nothing. The number of threads that compute stays, and with it the bytes of the weights.
"""

import ctypes
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

INTERVAL = 0.5  # seconds between two looks
# Seconds in the queue per second, over all threads. Alone, a training's threads stand there 0.01 to 0.03; beside one
# busy process 0.6 to 0.8.
WAITED = 0.2
CALM = 6  # looks without load before the busy loop is used again
CHOSEN = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")  # variables by which somebody has chosen how threads wait


@contextmanager
def no_busy_waiting_beside_load(environment: Mapping[str, str]) -> Iterator[None]:
    """Let OpenMP's threads sleep instead of waiting busily while other processes need the cores.

    Nothing is done where a variable of `CHOSEN` is set, or where GNU's OpenMP is not loaded.
    """
    openmp = loaded_openmp()
    if openmp is None or any(environment.get(name) for name in CHOSEN):
        yield
        return
    done = Event()
    watcher = Thread(target=watch_load, args=(openmp, done), daemon=True, name="watch_load")
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def loaded_openmp() -> ctypes.CDLL | None:
    """Find GNU's OpenMP among the libraries that this process has loaded."""
    with suppress(OSError):
        found = re.search(r"/\S*/libgomp[^/\s]*$", Path("/proc/self/maps").read_text(), re.MULTILINE)
        return ctypes.CDLL(found.group()) if found else None
    return None


def watch_load(openmp: ctypes.CDLL, done: Event) -> None:
    """Keep threads from busy waiting in each time of load, until `done` is set."""
    load_ended, calm = Event(), CALM
    load_ended.set()
    queued, looked = time_in_queue(), time.monotonic()
    while not done.wait(INTERVAL):
        before, since = queued, looked
        queued, looked = time_in_queue(), time.monotonic()
        calm = 0 if queued - before > WAITED * (looked - since) else calm + 1
        if calm == 0 and load_ended.is_set():
            load_ended = Event()
            Thread(target=keep_team, args=(openmp, load_ended), daemon=True, name="keep_team").start()
        elif calm == CALM:
            load_ended.set()
    load_ended.set()


def time_in_queue() -> float:
    """Measure how long the threads of this process stood in the scheduler's queue since they started, in seconds."""
    waited = 0
    for statistics in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError, IndexError, ValueError):  # the thread has ended, or the kernel does not count
            waited += int(statistics.read_text().split()[1])
    return waited / 1e9


def keep_team(openmp: ctypes.CDLL, ended: Event) -> None:
    """Make a team of more threads than there are cores, which sleeps. It ends with the thread that calls this."""
    nothing = ctypes.cast(ctypes.CDLL(None).free, ctypes.c_void_p)  # of a null pointer: the team's whole work
    openmp.GOMP_parallel(nothing, None, ctypes.c_uint(len(os.sched_getaffinity(0)) + 1), ctypes.c_uint(0))
    ended.wait()
