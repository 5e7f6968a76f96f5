"""What a training leaves after every epoch, brought to the store by a thread that the training does not wait for."""

import itertools
import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from legosigns_dagster.core.progress import Log
from legosigns_dagster.resources.storage.object_store import ObjectStore

PREFIX = "checkpoints/"


class Courier:
    """Uploads files one after another in a thread of its own; of those that wait under one key the newest alone.

    A context: where it ends well, what waits is dropped; where an error or an interruption ends it, what waits is the
    last that there is, and uploaded. In both cases it ends when the upload under way has ended.
    """

    def __init__(self, objects: ObjectStore, folder: Path, log: Log) -> None:
        self._objects, self._folder, self._log = objects, folder, log
        self._thread = ThreadPoolExecutor(1)
        self._waiting: dict[str, tuple[Future[None], Path]] = {}
        self._numbers = itertools.count()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self._thread.shutdown(cancel_futures=error is None)

    def take(self, file: Path, key: str) -> None:
        """Take over a file to be uploaded under a key. What fails is a warning in the log."""
        own = Path(shutil.move(file, self._folder / str(next(self._numbers))))
        if key in self._waiting:
            older, older_file = self._waiting[key]
            if older.cancel():
                older_file.unlink()
        self._waiting[key] = self._thread.submit(self._upload, own, key), own

    def _upload(self, file: Path, key: str) -> None:
        try:
            self._objects.upload(file, key)
        except Exception as error:
            # Whatever it is, the training's result is worth more than its copy: the next epoch tries again.
            reason = f"{type(error).__name__}: {error}"
            self._log.warning(f"{self._objects.address(key)} could not be written, the training goes on: {reason}")
        finally:
            file.unlink()


class StoredCheckpoints:
    """See `Checkpoints`: an object for each key below a prefix of a store."""

    def __init__(self, objects: ObjectStore, prefix: str, courier: Courier) -> None:
        self._objects, self._prefix, self._courier = objects, prefix, courier
        self._used: dict[str, str] = {}

    def fetch(self, key: str, into: Path) -> bool:
        """See `Checkpoints`."""
        try:
            self._objects.download(self._of(key), into)
        except FileNotFoundError:
            return False
        return True

    def keep(self, key: str, file: Path) -> None:
        """See `Checkpoints`."""
        self._courier.take(file, self._of(key))

    def remove(self) -> None:
        """Remove what was asked for or kept here, once the courier has ended: the trainings' results are safe."""
        self._objects.delete(self._used.values())

    def _of(self, key: str) -> str:
        return self._used.setdefault(key, f"{self._prefix}{PREFIX}{key}.pt")
