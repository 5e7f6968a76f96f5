"""Old versions are deleted. What a run needs, saves or has just made stays."""

import ast
import logging
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from legosigns_dagster.core.files import index_folder
from legosigns_dagster.core.processes import ProcessId
from legosigns_dagster.resources.storage.garbage_collection import GarbageCollector
from legosigns_dagster.resources.storage.layout import ACTIVE_SAVES, GC_MARKER
from legosigns_dagster.resources.storage.object_store import LocalObjectStore, ObjectStore
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster.resources.storage.save_guard import GcMarker, save_guard
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster.resources.versions.listing import read_versions

DAY_S = 24 * 3600.0
TOMORROW_S = time.time() + 2 * DAY_S  # when all that the tests write is old


@pytest.fixture(params=["local", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "local":
        return LocalObjectStore(tmp_path / "store")
    server, bucket = request.getfixturevalue("s3_server"), request.getfixturevalue("bucket")
    return S3ObjectStore(server.client(), bucket)


@pytest.fixture
def store(objects: ObjectStore, tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(objects, tmp_path / "cache", "legosigns/")


def save(store: SnapshotStore, folder: Path, run: str, *contents: str, asset: str = "asset") -> None:
    """Save a version of an asset with one file for each content."""
    for content in contents:
        file = folder / run / content
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    store.save(asset, run, folder / run)


def blobs(store: SnapshotStore) -> int:
    return len(list(store.objects.list_objects("legosigns/blobs/")))


def test_what_only_old_runs_need_is_counted_and_then_deleted(store: SnapshotStore, tmp_path: Path) -> None:
    for number in range(4):
        save(store, tmp_path, f"run-{number}", "in all of them", f"only in {number}")
        time.sleep(1.1)  # a listing of S3 tells whole seconds
    collector = GarbageCollector(store, keep_runs=2, min_age_s=DAY_S)
    assert collector.plan(TOMORROW_S).summary().startswith("2 old versions, 2 blobs, 0 leftovers")
    assert blobs(store) == 5
    collector.collect(TOMORROW_S)
    assert blobs(store) == 3
    assert {version.run_id for version in read_versions(store, "asset")} == {"run-2", "run-3"}
    store.load(store.find("asset", "run-2"), tmp_path / "loaded")
    assert index_folder(tmp_path / "loaded") == index_folder(tmp_path / "run-2")


def test_what_is_current_stays_however_old_its_run_is(store: SnapshotStore, tmp_path: Path) -> None:
    save(store, tmp_path, "first", "still current", asset="rarely made")
    time.sleep(1.1)
    save(store, tmp_path, "second", "new")
    GarbageCollector(store, keep_runs=1, min_age_s=DAY_S).collect(TOMORROW_S)
    store.load(store.find("rarely made"), tmp_path / "loaded")
    assert (tmp_path / "loaded" / "still current").read_text() == "still current"


def test_what_is_young_stays_even_if_nobody_needs_it(store: SnapshotStore, tmp_path: Path) -> None:
    for number in range(3):
        save(store, tmp_path, f"run-{number}", f"only in {number}")
    store.objects.write("legosigns/blobs/aa/orphan", b"a save under way has just uploaded it")
    GarbageCollector(store, keep_runs=1, min_age_s=3600).collect()
    assert blobs(store) == 4
    # Any of them may be of a run that is under way, which reads again what it made itself.
    assert {version.run_id for version in read_versions(store, "asset")} == {"run-0", "run-1", "run-2"}


def test_the_blobs_of_a_running_save_stay(store: SnapshotStore, tmp_path: Path) -> None:
    """The save found the blob in the store and does not upload it: without it the version would lack a file."""
    save(store, tmp_path, "old", "shared")
    (version,) = store.objects.list_objects("legosigns/snapshots/asset/")
    content = store.objects.read(version.key)
    store.objects.delete([version.key, "legosigns/current/asset.json"])
    store.objects.write(f"legosigns/{ACTIVE_SAVES}other/run-x.json", content)
    collector, in_half_a_day_s = GarbageCollector(store, keep_runs=1, min_age_s=3600), time.time() + DAY_S / 2
    assert collector.plan(in_half_a_day_s).blobs == ()
    store.objects.delete([f"legosigns/{ACTIVE_SAVES}other/run-x.json"])
    assert len(collector.plan(in_half_a_day_s).blobs) == 1


def test_a_save_waits_until_a_garbage_collection_has_ended(store: SnapshotStore, tmp_path: Path) -> None:
    store.objects.write(f"legosigns/{GC_MARKER}", b"")
    saving = threading.Thread(target=save, args=(store, tmp_path, "run", "content"))
    saving.start()
    saving.join(1.5)
    assert saving.is_alive()
    assert blobs(store) == 0
    store.objects.delete([f"legosigns/{GC_MARKER}"])
    saving.join(30)
    assert store.find("asset").run_id == "run"
    assert list(store.objects.list_objects(f"legosigns/{ACTIVE_SAVES}")) == []


def test_a_second_garbage_collection_at_the_same_time_is_an_error(store: SnapshotStore) -> None:
    store.objects.write(f"legosigns/{GC_MARKER}", b"")
    with pytest.raises(
        RuntimeError, match="another prune is running: wait until it has ended, or 600 s if it was killed"
    ):
        GarbageCollector(store, keep_runs=1, min_age_s=DAY_S).collect()


def hold_marker(store: SnapshotStore, owner: ProcessId) -> None:
    store.objects.write(f"legosigns/{GC_MARKER}", owner.to_json())


def run_and_kill() -> ProcessId:
    """Identify a process of this machine that was killed."""
    code = (
        "from legosigns_dagster.core.processes import ProcessId as P; print(P.current().to_json(), flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        owner = ProcessId.from_json(ast.literal_eval(process.stdout.readline().decode()))
        assert owner
        assert not owner.has_ended()
        process.kill()
    return owner


def test_nobody_waits_for_a_garbage_collection_that_was_killed_on_this_machine(
    store: SnapshotStore, tmp_path: Path
) -> None:
    hold_marker(store, run_and_kill())
    began = time.monotonic()
    save(store, tmp_path, "run", "content")
    assert time.monotonic() - began < 30
    GarbageCollector(store, keep_runs=1, min_age_s=DAY_S).collect()
    assert list(store.objects.list_objects(f"legosigns/{GC_MARKER}")) == []


def test_a_save_tells_for_whom_it_waits_and_what_to_do(
    store: SnapshotStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = replace(ProcessId.current(), host="node-7", machine="another", pid=41)
    hold_marker(store, elsewhere)
    saving = threading.Thread(target=save, args=(store, tmp_path, "run", "content"))
    saving.start()
    while not caplog.messages:
        time.sleep(0.1)
    store.objects.delete([f"legosigns/{GC_MARKER}"])
    saving.join(30)
    (message,) = caplog.messages
    assert re.search(r"saving waits while old versions are removed, by process 41 on node-7, since 20\d\d-", message)
    assert message.count(f"if it was killed, delete its marker {store.objects.address(f'legosigns/{GC_MARKER}')}") == 1
    hold_marker(store, elsewhere)
    with pytest.raises(RuntimeError, match=r"another prune is running.*process 41 on node-7"):
        GarbageCollector(store, keep_runs=1, min_age_s=DAY_S).collect()


@pytest.mark.parametrize("days", [-1, 0, 1, 365], ids=lambda days: f"{days} days from now")
def test_a_wait_ends_after_the_lease_wherever_the_clock_jumped(days: int, tmp_path: Path) -> None:
    objects = LocalObjectStore(tmp_path)
    objects.write(f"legosigns/{GC_MARKER}", b"what an earlier release wrote")
    jumped_s = time.time() + days * DAY_S
    os.utime(tmp_path / "legosigns" / GC_MARKER, (jumped_s, jumped_s))
    began = time.monotonic()
    with save_guard(objects, "legosigns/", "asset/run", b"{}", logging.getLogger(), lease_s=2):
        assert time.monotonic() - began < (0.9 if days < 0 else 10)
        assert time.monotonic() - began > (0 if days < 0 else 1.9)


def test_a_garbage_collection_that_lives_is_waited_for_longer_than_the_lease(tmp_path: Path) -> None:
    objects = LocalObjectStore(tmp_path)
    marker = GcMarker(objects, "legosigns/", lease_s=1)
    for _ in range(4):
        objects.write(marker.key, b"{}")
        assert marker.is_held(time.time())
        time.sleep(0.5)
    time.sleep(1)
    assert not marker.is_held(time.time())


def test_saves_and_garbage_collections_at_the_same_time_leave_every_version_whole(
    store: SnapshotStore, tmp_path: Path
) -> None:
    """Versions reuse content that only deleted versions had, while everything else counts as old."""
    ended = threading.Event()

    def collect() -> None:
        while not ended.wait(0.5):  # without a pause a save would hardly ever find no collection running
            GarbageCollector(store, keep_runs=1, min_age_s=3600).collect(time.time() + 3600 - 0.2)

    collecting = threading.Thread(target=collect)
    collecting.start()
    try:
        for number in range(12):
            save(store, tmp_path, f"run-{number}", f"content {number % 3}")
            current = store.find("asset")
            missing = [e for e in current.files.values() if not store.objects.read(store._blob_key(e))]
            assert missing == []
    finally:
        ended.set()
        collecting.join()
