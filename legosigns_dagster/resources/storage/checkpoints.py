"""What a training saves after every epoch, uploaded in a background thread that the training does not wait for."""

import itertools
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from legosigns_dagster.core.progress import Log
from legosigns_dagster.resources.storage.layout import CHECKPOINTS, PREFIX, run_key
from legosigns_dagster.resources.storage.object_store import ObjectStore

EPOCH_FILES = ("best.pt", "results.csv")


class BackgroundUploader:
    """Uploads files one after another in one background thread. Use it as a context.

    A newer file for the same key replaces a queued one. On a normal exit, queued uploads are dropped. On an exception
    or an interruption they are uploaded. In both cases the exit waits for the upload that is running.
    """

    def __init__(self, objects: ObjectStore, folder: Path, log: Log) -> None:
        self._objects, self._folder, self._log = objects, folder, log
        self._thread = ThreadPoolExecutor(1)
        self._queued: dict[str, tuple[Future[None], Path]] = {}
        self._numbers = itertools.count()
        self.failed: set[str] = set()  # keys whose newest upload failed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._thread.shutdown(cancel_futures=error is None)

    def submit(self, file: Path, key: str) -> None:
        """Queue a file for upload under a key. The file is moved away. A failed upload is a warning in the log."""
        own = Path(shutil.move(file, self._folder / str(next(self._numbers))))
        if key in self._queued:
            older, older_file = self._queued[key]
            if older.cancel():
                older_file.unlink()
        self._queued[key] = self._thread.submit(self._upload, own, key), own

    def _upload(self, file: Path, key: str) -> None:
        try:
            self._objects.upload(file, key)
            self.failed.discard(key)
        except Exception as error:
            # Of any kind: the training's result is worth more than its copy, and the next epoch uploads again.
            self.failed.add(key)
            reason = f"{type(error).__name__}: {error}"
            self._log.warning(f"{self._objects.address(key)} could not be written, the training goes on: {reason}")
        finally:
            file.unlink()


class StoredCheckpoints:
    """See `Checkpoints`: one object for each training's key."""

    def __init__(self, objects: ObjectStore, uploader: BackgroundUploader) -> None:
        self._objects, self._uploader = objects, uploader
        self.keys: set[str] = set()

    def fetch(self, key: str, into: Path) -> bool:
        """See `Checkpoints`."""
        try:
            self._objects.download(self._object_key(key), into)
        except FileNotFoundError:
            return False
        return True

    def keep(self, key: str, file: Path) -> None:
        """See `Checkpoints`."""
        self._uploader.submit(file, self._object_key(key))

    def remove(self) -> None:
        """Delete every checkpoint that was fetched or saved here. Call it after the uploader has ended."""
        self._objects.delete(self.keys)

    def _object_key(self, key: str) -> str:
        object_key = f"{PREFIX}{CHECKPOINTS}{key}.pt"
        self.keys.add(object_key)
        return object_key


class TrainingUploads:
    """What a run's training saves in the store while it goes on: weights and curves for people, and its checkpoints.

    Use it as a context around the training. See `BackgroundUploader` for what is uploaded when it ends.

    Attributes:
        checkpoints: Where the training looks for its state, and saves it after each epoch.
    """

    def __init__(self, objects: ObjectStore, run_id: str, folder: Path, log: Log) -> None:
        """Prepare the uploads of a run. `folder` is an empty folder for files that wait for their upload."""
        self._run_id, self._log, self._epochs = run_id, log, 0
        self._uploader = BackgroundUploader(objects, folder, log)
        self.checkpoints = StoredCheckpoints(objects, self._uploader)

    def __enter__(self) -> Self:
        self._uploader.__enter__()
        return self

    def __exit__(
        self, error: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._uploader.__exit__(error, value, trace)
        interrupted = error is not None and not issubclass(error, Exception)
        if interrupted and self._epochs and not self._uploader.failed & self.checkpoints.keys:
            self._log.info(f"epoch {self._epochs} is kept: run the same command again to go on after it")

    def on_epoch_end(self, folder: Path) -> None:
        """Upload the best weights and the curves so far, to where the final ones will be.

        An interrupted run leaves them. The files are moved out of the folder.
        """
        self._epochs = len((folder / "results.csv").read_text(encoding="utf-8").splitlines()) - 1
        for name in EPOCH_FILES:
            self._uploader.submit(folder / name, run_key(self._run_id, name))

    def remove_checkpoints(self) -> None:
        """Delete the training's checkpoints. Call it when its weights are in the store: nothing can be resumed then."""
        self.checkpoints.remove()
