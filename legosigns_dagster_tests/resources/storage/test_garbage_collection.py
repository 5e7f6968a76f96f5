"""Old versions go; what a run needs, saves or has just made stays."""

import os
import threading
import time
from pathlib import Path

import pytest

from legosigns_dagster.cli import main
from legosigns_dagster.core.files import index_folder
from legosigns_dagster.resources.storage.garbage_collection import Pruner
from legosigns_dagster.resources.storage.object_store import LocalObjectStore, ObjectStore
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster.resources.storage.save_guard import ANNOUNCED, MARK
from legosigns_dagster.resources.storage.snapshot_store import FolderStore

DAY_S = 24 * 3600.0
TOMORROW_S = time.time() + 2 * DAY_S  # when all that the tests write is old


@pytest.fixture(params=["local", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "local":
        return LocalObjectStore(tmp_path / "store")
    server, bucket = request.getfixturevalue("s3_server"), request.getfixturevalue("bucket")
    return S3ObjectStore(server.client(), bucket)


@pytest.fixture
def store(objects: ObjectStore, tmp_path: Path) -> FolderStore:
    return FolderStore(objects, tmp_path / "cache", "legosigns/")


def save(store: FolderStore, folder: Path, run: str, *contents: str, asset: str = "asset") -> None:
    """A version of an asset with a file of each content."""
    for content in contents:
        file = folder / run / content
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    store.save(asset, run, folder / run)


def blobs(store: FolderStore) -> int:
    return len(list(store.objects.stored("legosigns/blobs/")))


def test_what_only_old_runs_need_is_counted_and_then_removed(store: FolderStore, tmp_path: Path) -> None:
    for number in range(4):
        save(store, tmp_path, f"run-{number}", "in all of them", f"only in {number}")
        time.sleep(1.1)  # a listing of S3 tells whole seconds
    pruner = Pruner(store, keep_runs=2, min_age_s=DAY_S)
    assert pruner.plan(TOMORROW_S).summary().startswith("2 old versions, 2 blobs, 0 leftovers")
    assert blobs(store) == 5
    pruner.prune(TOMORROW_S)
    assert blobs(store) == 3
    assert {version.run_id for version in store.versions("asset")} == {"run-2", "run-3"}
    store.load(store.snapshot("asset", "run-2"), tmp_path / "loaded")
    assert index_folder(tmp_path / "loaded") == index_folder(tmp_path / "run-2")


def test_what_is_current_stays_however_old_its_run_is(store: FolderStore, tmp_path: Path) -> None:
    save(store, tmp_path, "first", "still current", asset="rarely made")
    time.sleep(1.1)
    save(store, tmp_path, "second", "new")
    Pruner(store, keep_runs=1, min_age_s=DAY_S).prune(TOMORROW_S)
    store.load(store.snapshot("rarely made"), tmp_path / "loaded")
    assert (tmp_path / "loaded" / "still current").read_text() == "still current"


def test_what_is_young_stays_whoever_needs_it(store: FolderStore, tmp_path: Path) -> None:
    for number in range(3):
        save(store, tmp_path, f"run-{number}", f"only in {number}")
    store.objects.write("legosigns/blobs/aa/orphan", b"a save under way has just uploaded it")
    Pruner(store, keep_runs=1, min_age_s=3600).prune()
    assert blobs(store) == 4


def test_what_a_save_counts_on_stays_while_it_is_announced(store: FolderStore, tmp_path: Path) -> None:
    """The save found the blob there and will not upload it: without it its version would not be whole."""
    save(store, tmp_path, "old", "shared")
    (version,) = store.objects.stored("legosigns/snapshots/asset/")
    content = store.objects.read(version.key)
    store.objects.delete([version.key, "legosigns/current/asset.json"])
    store.objects.write(f"legosigns/{ANNOUNCED}other/run-x.json", content)
    pruner, in_half_a_day_s = Pruner(store, keep_runs=1, min_age_s=3600), time.time() + DAY_S / 2
    assert pruner.plan(in_half_a_day_s).blobs == ()
    store.objects.delete([f"legosigns/{ANNOUNCED}other/run-x.json"])
    assert len(pruner.plan(in_half_a_day_s).blobs) == 1


def test_a_save_waits_until_a_removal_is_over(store: FolderStore, tmp_path: Path) -> None:
    store.objects.write(f"legosigns/{MARK}", b"")
    saving = threading.Thread(target=save, args=(store, tmp_path, "run", "content"))
    saving.start()
    saving.join(1.5)
    assert saving.is_alive()
    assert blobs(store) == 0
    store.objects.delete([f"legosigns/{MARK}"])
    saving.join(30)
    assert store.snapshot("asset").run_id == "run"
    assert list(store.objects.stored(f"legosigns/{ANNOUNCED}")) == []


def test_two_removals_at_once_are_an_error(store: FolderStore) -> None:
    store.objects.write(f"legosigns/{MARK}", b"")
    with pytest.raises(RuntimeError, match="another removal is under way: try again in"):
        Pruner(store, keep_runs=1, min_age_s=DAY_S).prune()


def test_saves_and_removals_at_the_same_time_leave_every_version_whole(store: FolderStore, tmp_path: Path) -> None:
    """Versions return to content that only versions nobody keeps had, while everything else counts as old."""
    ended = threading.Event()

    def remove() -> None:
        while not ended.wait(0.5):  # without a pause a save would hardly ever find no removal under way
            Pruner(store, keep_runs=1, min_age_s=3600).prune(time.time() + 3600 - 0.2)

    remover = threading.Thread(target=remove)
    remover.start()
    try:
        for number in range(12):
            save(store, tmp_path, f"run-{number}", f"content {number % 3}")
            current = store.snapshot("asset")
            missing = [e for e in current.files.values() if not store.objects.read(store._blob_key(e))]
            assert missing == []
    finally:
        ended.set()
        remover.join()


def test_the_command_says_what_it_would_remove_and_removes_it_only_when_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEGOSIGNS_STORE", str(tmp_path / "store"))
    store = FolderStore(LocalObjectStore(tmp_path / "store"), tmp_path / "cache", "legosigns/")
    for run in ("first", "second"):
        save(store, tmp_path, run, f"only in {run}")
    for file in (tmp_path / "store").rglob("*first*"):
        os.utime(file, (0, 0))
    for file in (tmp_path / "store" / "legosigns" / "blobs").rglob("*"):
        os.utime(file, (0, 0))
    main(["prune", "--runs", "1"])
    assert capsys.readouterr().out.endswith("nothing was deleted: add --delete\n")
    assert blobs(store) == 2
    main(["prune", "--runs", "1", "--delete"])
    assert capsys.readouterr().out.startswith("deleted: 1 old versions, 1 blobs")
    assert blobs(store) == 1
