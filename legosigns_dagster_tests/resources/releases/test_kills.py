"""Releases while processes are killed, and while several publish at once."""

import logging
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from legosigns_dagster.core.release.layout import CLAIM, MIRROR, MODEL, RELEASES, number_in_key, release_key
from legosigns_dagster.resources.releases.current import current_number, current_release
from legosigns_dagster.resources.releases.listing import list_releases
from legosigns_dagster.resources.releases.publish import claim_number, publish_release, require_intact
from legosigns_dagster.resources.storage.object_store import LocalObjectStore, ObjectInfo, ObjectStore
from legosigns_dagster_tests.support.releases import (
    StoreAddress,
    fresh_processes,
    make_draft,
    publish_in_process,
    store_address,
)

LOG = logging.getLogger("test")
KILLS = 20


@pytest.fixture(params=["local", "s3"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> StoreAddress:
    return store_address(request.param, request, tmp_path / "store")


def require_whole(objects: ObjectStore) -> list[int]:
    """Check that what is listed is whole, and that what is current is listed; return the numbers."""
    releases = list_releases(objects)
    for release in releases:
        require_intact(objects, release.number, release.files)
    numbers = [release.number for release in releases]
    current = current_number(objects)
    assert current is None or current in numbers
    return numbers


def require_mirrored(objects: ObjectStore, number: int) -> None:
    assert current_number(objects) == number
    assert objects.read(MIRROR) == objects.read(release_key(number, MODEL))


def test_20_publishes_that_are_killed_at_any_moment_are_whole_after_the_next_attempt(
    address: StoreAddress, tmp_path: Path
) -> None:
    objects, processes, chance = address.open(), fresh_processes(), random.Random(7)
    began = time.monotonic()
    publish_release(objects, make_draft(tmp_path / "0", "run-0"), LOG)
    longest = 1.2 * (time.monotonic() - began)
    killed = 0
    for number in range(1, KILLS + 1):
        draft, started = make_draft(tmp_path / str(number), f"run-{number}", number / 30), processes.Barrier(2)
        process = processes.Process(target=publish_in_process, args=(address, draft, started))
        process.start()
        started.wait(60)
        time.sleep(chance.uniform(0, longest))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
        assert require_whole(objects)[:number] == list(range(1, number + 1))
        current_release(objects)  # as every command does
        require_mirrored(objects, current_number(objects) or 0)
        assert publish_release(objects, draft, LOG).number == number + 1
        require_mirrored(objects, number + 1)
    assert require_whole(objects) == list(range(1, KILLS + 2))
    assert killed > KILLS / 2, "the moments are spread over a whole publish"


class KilledBefore(LocalObjectStore):
    """A store whose process is killed before it changes something for the `count`-th time."""

    def __init__(self, folder: Path, count: int) -> None:
        super().__init__(folder)
        self.count = count

    def step(self) -> None:
        self.count -= 1
        if self.count == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def upload(self, file: Path, key: str) -> None:
        self.step()
        super().upload(file, key)

    def create(self, key: str, content: bytes) -> None:
        self.step()
        super().create(key, content)

    def replace(self, key: str, content: bytes, expected: bytes) -> None:
        self.step()
        super().replace(key, content, expected)

    def copy(self, source: str, target: str) -> None:
        self.step()
        super().copy(source, target)


def test_a_kill_between_any_two_steps_leaves_the_last_release_or_the_new_one(tmp_path: Path) -> None:
    objects = LocalObjectStore(tmp_path / "store")
    publish_release(objects, make_draft(tmp_path / "first", "run-first"), LOG)
    steps = 0
    while True:
        draft = make_draft(tmp_path / str(steps), f"run-{steps}", steps / 40)
        child = os.fork()
        if child == 0:
            publish_release(KilledBefore(tmp_path / "store", steps + 1), draft, LOG)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert require_whole(objects)[: steps + 1] == list(range(1, steps + 2))
        assert publish_release(objects, draft, LOG).number == steps + 2
        require_mirrored(objects, steps + 2)
        if os.waitstatus_to_exitcode(status) == 0:
            break
        steps += 1
    assert steps >= 13, "claim, 8 files, facts, pointer, mirrors"


def test_several_publishes_at_once_get_different_numbers_and_one_is_current(
    address: StoreAddress, tmp_path: Path
) -> None:
    processes = fresh_processes()
    started, count = processes.Barrier(3), 3
    drafts = [make_draft(tmp_path / str(number), f"run-{number}", number / 10) for number in range(count)]
    running = [processes.Process(target=publish_in_process, args=(address, draft, started)) for draft in drafts]
    for process in running:
        process.start()
    for process in running:
        process.join()
    assert [process.exitcode for process in running] == [0] * count
    objects = address.open()
    assert require_whole(objects) == [1, 2, 3]
    assert {release.origin.run_id for release in list_releases(objects)} == {"run-0", "run-1", "run-2"}
    require_mirrored(objects, 3)


def test_several_attempts_of_one_run_at_once_make_one_release(address: StoreAddress, tmp_path: Path) -> None:
    processes = fresh_processes()
    started, draft = processes.Barrier(3), make_draft(tmp_path / "work", "run-1")
    running = [processes.Process(target=publish_in_process, args=(address, draft, started)) for _ in range(3)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    objects = address.open()
    assert [process.exitcode for process in running] == [0, 0, 0]
    assert require_whole(objects) == [1]
    assert [number_in_key(item.key, CLAIM) for item in objects.list_objects(RELEASES) if CLAIM in item.key] == [1]


class SameView(LocalObjectStore):
    """A store in which everybody has seen the same numbers before the first one claims the next."""

    def __init__(self, folder: Path, everybody: threading.Barrier) -> None:
        super().__init__(folder)
        self.everybody = everybody

    def list_objects(self, prefix: str) -> Iterator[ObjectInfo]:
        seen = list(super().list_objects(prefix))
        self.everybody.wait(60)
        return iter(seen)


def test_runs_that_see_the_same_numbers_claim_different_ones(tmp_path: Path) -> None:
    objects = SameView(tmp_path, threading.Barrier(6))
    with ThreadPoolExecutor(6) as pool:
        numbers = list(pool.map(lambda run: claim_number(objects, f"run-{run}"), range(6)))
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]
