"""What a training uploads while it goes on: to a slow store, to one that fails, to a real S3 server."""

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from legosigns_dagster.resources.storage.checkpoints import BackgroundUploader, StoredCheckpoints, TrainingUploads
from legosigns_dagster.resources.storage.object_store import LocalObjectStore, ObjectStore
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster_tests.support.logs import SILENT, RecordedLog
from legosigns_dagster_tests.support.servers import S3Server


class SlowStore(LocalObjectStore):
    """A store whose uploads wait until they may go on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self.uploaded: list[str] = []

    def upload(self, file: Path, key: str) -> None:
        self.begun.set()
        assert self.may_go_on.wait(30)
        self.uploaded.append(file.read_text())
        super().upload(file, key)


class FullStore(LocalObjectStore):
    """A store that takes nothing any more."""

    def upload(self, file: Path, key: str) -> None:
        raise OSError("no space left on device")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "uploads").mkdir()
    return tmp_path / "uploads"


def state(folder: Path, text: str) -> Path:
    (folder.parent / "state.pt").write_text(text)
    return folder.parent / "state.pt"


def test_the_training_does_not_wait_and_of_queued_files_only_the_newest_is_uploaded(folder: Path) -> None:
    store = SlowStore(folder.parent / "store")
    with suppress(KeyboardInterrupt), BackgroundUploader(store, folder, SILENT) as uploader:
        uploader.submit(state(folder, "epoch 1"), "state")
        assert store.begun.wait(30)
        for epoch in (2, 3, 4):
            uploader.submit(state(folder, f"epoch {epoch}"), "state")
        assert store.uploaded == []
        assert len(list(folder.iterdir())) == 2
        store.may_go_on.set()
        raise KeyboardInterrupt
    assert store.uploaded == ["epoch 1", "epoch 4"]
    assert store.read("state") == b"epoch 4"
    assert list(folder.iterdir()) == []


def test_what_is_queued_when_the_training_has_ended_well_is_dropped(folder: Path) -> None:
    store = SlowStore(folder.parent / "store")
    with BackgroundUploader(store, folder, SILENT) as uploader:
        uploader.submit(state(folder, "epoch 1"), "state")
        assert store.begun.wait(30)
        uploader.submit(state(folder, "epoch 2"), "state")
        threading.Timer(0.2, store.may_go_on.set).start()
    assert store.uploaded == ["epoch 1"]


def test_an_upload_that_fails_is_a_warning_and_the_training_goes_on(folder: Path) -> None:
    log = RecordedLog()
    store = FullStore(folder.parent / "store")
    with BackgroundUploader(store, folder, log) as uploader:
        uploader.submit(state(folder, "epoch 1"), "state")
    (line,) = log.warnings
    reason = "could not be written, the training goes on: OSError: no space left on device"
    assert line == f"{store.address('state')} {reason}"


@pytest.fixture(params=["folder", "S3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return LocalObjectStore(tmp_path / "store")
    server: S3Server = request.getfixturevalue("s3_server")
    return S3ObjectStore(server.client(), request.getfixturevalue("bucket"))


def test_another_process_finds_the_newest_state_of_its_key_until_it_is_removed(
    objects: ObjectStore, folder: Path
) -> None:
    found = folder.parent / "found.pt"
    with suppress(KeyboardInterrupt), BackgroundUploader(objects, folder, SILENT) as uploader:
        first = StoredCheckpoints(objects, uploader)
        assert not first.fetch("a", found)
        for key, text in (("a", "epoch 1"), ("b", "another training"), ("a", "epoch 2")):
            first.keep(key, state(folder, text))
        raise KeyboardInterrupt
    with BackgroundUploader(objects, folder, SILENT) as uploader:
        second = StoredCheckpoints(objects, uploader)
        assert second.fetch("a", found)
        assert found.read_text() == "epoch 2"
        assert not second.fetch("c", found)
    second.remove()
    assert [item.key for item in objects.list_objects("legosigns/")] == ["legosigns/checkpoints/b.pt"]


@pytest.fixture
def epoch(tmp_path: Path) -> Path:
    """A training's folder after an epoch."""
    (tmp_path / "epoch").mkdir()
    (tmp_path / "epoch" / "best.pt").write_text("weights")
    (tmp_path / "epoch" / "results.csv").write_text("curves")
    return tmp_path / "epoch"


def test_a_training_that_is_interrupted_leaves_its_weights_its_curves_and_its_state(
    objects: ObjectStore, folder: Path, epoch: Path
) -> None:
    with suppress(KeyboardInterrupt), TrainingUploads(objects, "run-1", folder, SILENT) as uploads:
        uploads.on_epoch_end(epoch)
        uploads.checkpoints.keep("a", state(folder, "epoch 1"))
        raise KeyboardInterrupt
    assert objects.read("traffic-signs/run-1/best.pt") == b"weights"
    assert objects.read("traffic-signs/run-1/results.csv") == b"curves"
    assert objects.read("legosigns/checkpoints/a.pt") == b"epoch 1"
    uploads.remove_checkpoints()
    assert [item.key for item in objects.list_objects("")] == [
        "traffic-signs/run-1/best.pt",
        "traffic-signs/run-1/results.csv",
    ]


@pytest.mark.parametrize(
    ("store", "error", "told"),
    [
        (LocalObjectStore, KeyboardInterrupt(), ["epoch 2 is kept: run the same command again to go on after it"]),
        (LocalObjectStore, ValueError("a loss is NaN"), []),
        (FullStore, KeyboardInterrupt(), []),
    ],
    ids=["interrupted", "failed", "interrupted, with a full store"],
)
def test_who_interrupts_a_training_is_told_which_epoch_is_kept_where_it_is(
    store: type[LocalObjectStore], error: BaseException, told: list[str], folder: Path, epoch: Path
) -> None:
    log = RecordedLog()
    (epoch / "results.csv").write_text("epoch,loss\n1,0.5\n2,0.4\n")
    with suppress(KeyboardInterrupt, ValueError), TrainingUploads(store(folder / "s"), "run", folder, log) as uploads:
        uploads.checkpoints.keep("a", state(folder, "epoch 2"))
        uploads.on_epoch_end(epoch)
        raise error
    assert [line for line in log.lines if "could not be written" not in line] == told


def test_a_state_that_another_run_left_is_gone_once_the_weights_that_resumed_from_it_are_safe(
    objects: ObjectStore, folder: Path
) -> None:
    objects.write("legosigns/checkpoints/a.pt", b"epoch 1")
    with TrainingUploads(objects, "run-2", folder, SILENT) as uploads:
        assert uploads.checkpoints.fetch("a", folder.parent / "state.pt")
    assert objects.read("legosigns/checkpoints/a.pt") == b"epoch 1"
    uploads.remove_checkpoints()
    assert list(objects.list_objects("")) == []
