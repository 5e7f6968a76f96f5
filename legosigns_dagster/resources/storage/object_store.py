"""Bytes under keys: the protocol `ObjectStore`, and its version for a folder on the local disk."""

import filecmp
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from legosigns_dagster.core.file_locks import only_writer
from legosigns_dagster.core.files import explain_full_disk, link_or_copy, removed_on_failure, write_whole

PARTIAL = ".partial"
SMALL_OBJECT = 8 * 2**20  # bytes; up to this size an object is read into memory as a whole
PARALLEL_TRANSFERS = 16  # files at a time: this bounds the memory, however large a folder is


class ChangedMeanwhileError(OSError):
    """An object is not what its reader saw any more: somebody else has replaced it. Read it again."""


@dataclass(frozen=True)
class ObjectInfo:
    """An object in a listing."""

    key: str  # POSIX path in the store, as in `legosigns/current/model_weights.json`
    size: int  # bytes
    written_s: float  # when it was written, by the store's clock, in seconds since 1970


class ObjectStore(Protocol):
    """Whole objects under POSIX keys. Safe for threads.

    An object is there completely or not at all, even if its writer is killed. A write that has finished is seen by
    every later read. Errors are OSErrors that say what to do.
    """

    def upload(self, file: Path, key: str) -> None:
        """Store a file's bytes, streamed from disk."""

    def download(self, key: str, into: Path, size: int | None = None) -> None:
        """Write an object's bytes to a file, all of them or nothing.

        With its `size` in bytes, a small object is downloaded faster.

        Raises:
            FileNotFoundError: there is no such object. The message names the key.
        """

    def write(self, key: str, content: bytes) -> None:
        """Store a small object."""

    def read(self, key: str) -> bytes:
        """Read a small object.

        Raises:
            FileNotFoundError: there is no such object. The message names the key.
        """

    def create(self, key: str, content: bytes) -> None:
        """Store a small object where there is none. Of several that try at once, one succeeds.

        Raises:
            FileExistsError: there is such an object. The message names the key.
        """

    def replace(self, key: str, content: bytes, expected: bytes) -> None:
        """Store a small object in the place of one that still has the bytes that were read (compare and set).

        Raises:
            ChangedMeanwhileError: it has other bytes, or is gone. The message names the key.
        """

    def require_conditional_writes(self) -> None:
        """Try `create` and `replace`, and raise an OSError where the store ignores their conditions."""

    def copy(self, source: str, target: str) -> None:
        """Store an object under a second key. Its bytes do not pass through this machine; a disk links them."""

    def is_copy(self, source: str, target: str) -> bool:
        """Tell whether the target is there and is what `copy` makes of the source, which must never have changed."""

    def existing_keys(self, prefix: str, keys: Collection[str]) -> set[str]:
        """Select the keys under which there is an object. All keys must start with `prefix`."""

    def list_objects(self, prefix: str) -> Iterator[ObjectInfo]:
        """List every object whose key starts with `prefix`, sorted by key."""

    def delete(self, keys: Collection[str]) -> None:
        """Delete objects. A key without an object is not an error."""

    def partial_objects(self, prefix: str) -> Iterator[ObjectInfo]:
        """List the uploads below a prefix that have not ended: running ones, and those that were killed."""

    def delete_partial(self, items: Collection[ObjectInfo]) -> None:
        """Delete what such uploads left. They must not run any more."""

    def address(self, key: str) -> str:
        """The key as people write it: a path or an `s3://` URI."""


class LocalObjectStore:
    """Objects as files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def upload(self, file: Path, key: str) -> None:
        """See `ObjectStore`."""
        target = self.folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        partial, size = target.with_name(f".{uuid.uuid4().hex}{PARTIAL}"), file.stat().st_size
        with explain_full_disk(self.folder, size), removed_on_failure(partial):
            shutil.copyfile(file, partial)  # the umask decides who may read it, as of everything in the store
            partial.replace(target)

    def download(self, key: str, into: Path, size: int | None = None) -> None:
        """See `ObjectStore`."""
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.folder / key, into)

    def write(self, key: str, content: bytes) -> None:
        """See `ObjectStore`."""
        with explain_full_disk(self.folder, len(content)):
            write_whole(self.folder / key, content)

    def read(self, key: str) -> bytes:
        """See `ObjectStore`."""
        return (self.folder / key).read_bytes()

    def create(self, key: str, content: bytes) -> None:
        """See `ObjectStore`."""
        target = self.folder / key
        with explain_full_disk(self.folder, len(content)), only_writer(target.parent):
            if target.exists():
                raise FileExistsError(f"{target} exists already")
            write_whole(target, content)

    def replace(self, key: str, content: bytes, expected: bytes) -> None:
        """See `ObjectStore`."""
        target = self.folder / key
        with explain_full_disk(self.folder, len(content)), only_writer(target.parent):
            if not target.exists() or target.read_bytes() != expected:
                raise ChangedMeanwhileError(f"{target} was changed by somebody else meanwhile: try again")
            write_whole(target, content)

    def require_conditional_writes(self) -> None:
        """See `ObjectStore`. A disk whose folders cannot be locked is an error at every write."""

    def copy(self, source: str, target: str) -> None:
        """See `ObjectStore`."""
        into = self.folder / target
        partial = into.with_name(f".{uuid.uuid4().hex}{PARTIAL}")
        with removed_on_failure(partial):
            link_or_copy(self.folder / source, partial)
            partial.replace(into)
            partial.unlink(missing_ok=True)  # renaming one link of a file to another does nothing

    def is_copy(self, source: str, target: str) -> bool:
        """See `ObjectStore`."""
        there = (self.folder / target).is_file()
        return there and filecmp.cmp(self.folder / source, self.folder / target, shallow=False)

    def existing_keys(self, prefix: str, keys: Collection[str]) -> set[str]:
        """See `ObjectStore`."""
        return {key for key in keys if (self.folder / key).is_file()}

    def list_objects(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `ObjectStore`."""
        return (item for item in self._files(prefix) if not item.key.endswith(PARTIAL))

    def partial_objects(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `ObjectStore`."""
        items = (item for item in self._files(prefix) if item.key.endswith(PARTIAL))
        return (item for item in items if item.key.rpartition("/")[2].startswith("."))

    def delete_partial(self, items: Collection[ObjectInfo]) -> None:
        """See `ObjectStore`."""
        self.delete([item.key for item in items])

    def _files(self, prefix: str) -> Iterator[ObjectInfo]:
        start = self.folder / prefix.rpartition("/")[0]
        files = {file.relative_to(self.folder).as_posix(): file for file in start.rglob("*") if file.is_file()}
        for key in sorted(key for key in files if key.startswith(prefix)):
            with suppress(FileNotFoundError):  # deleted meanwhile
                status = files[key].stat()
                yield ObjectInfo(key, status.st_size, status.st_mtime)

    def delete(self, keys: Collection[str]) -> None:
        """See `ObjectStore`."""
        for key in keys:
            (self.folder / key).unlink(missing_ok=True)

    def address(self, key: str) -> str:
        """See `ObjectStore`."""
        return str(self.folder / key)
