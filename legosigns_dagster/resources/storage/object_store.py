"""Where bytes are kept under keys: S3 (`s3_object_store.py`), or a folder on disk that behaves the same."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from legosigns_dagster.core.files import write_whole

PARTIAL = ".partial"
SMALL = 8 * 2**20  # bytes that are read at once
TRANSFERS = 16  # files at a time: memory is bounded by this, not by a folder's size


@dataclass(frozen=True)
class Stored:
    """An object that is there: its size in bytes, and when it was written, in seconds since 1970 by its server."""

    key: str
    size: int
    written_s: float


class ObjectStore(Protocol):
    """Whole objects under POSIX keys. An object is there completely or not at all, whenever a writer is killed.

    Used by threads. What goes wrong is an OSError that says what to do.
    """

    def upload(self, file: Path, key: str) -> None:
        """Store a file's bytes, streamed from disk."""

    def download(self, key: str, into: Path, size: int | None = None) -> None:
        """Write an object's bytes to a file, all of them or nothing; a small one is faster where its size is given.

        FileNotFoundError that names the key when there is none.
        """

    def write(self, key: str, content: bytes) -> None:
        """Store a small object."""

    def read(self, key: str) -> bytes:
        """A small object's bytes; FileNotFoundError that names the key when there is none."""

    def present(self, prefix: str, keys: Collection[str]) -> set[str]:
        """Those of these keys, all of which start with `prefix`, under which there is an object."""

    def stored(self, prefix: str) -> Iterator[Stored]:
        """Every object whose key starts with `prefix`, sorted by key."""

    def delete(self, keys: Collection[str]) -> None:
        """Remove objects; a key under which there is none is no error."""

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
        handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=PARTIAL)
        os.close(handle)
        shutil.copyfile(file, partial)
        Path(partial).replace(target)

    def download(self, key: str, into: Path, size: int | None = None) -> None:
        """See `ObjectStore`."""
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.folder / key, into)

    def write(self, key: str, content: bytes) -> None:
        """See `ObjectStore`."""
        write_whole(self.folder / key, content)

    def read(self, key: str) -> bytes:
        """See `ObjectStore`."""
        return (self.folder / key).read_bytes()

    def present(self, prefix: str, keys: Collection[str]) -> set[str]:
        """See `ObjectStore`."""
        return {key for key in keys if (self.folder / key).is_file()}

    def stored(self, prefix: str) -> Iterator[Stored]:
        """See `ObjectStore`."""
        start = self.folder / prefix.rpartition("/")[0]
        found = {file.relative_to(self.folder).as_posix(): file for file in start.rglob("*") if file.is_file()}
        for key in sorted(key for key in found if key.startswith(prefix) and not key.endswith(PARTIAL)):
            with suppress(FileNotFoundError):  # removed meanwhile
                about = found[key].stat()
                yield Stored(key, about.st_size, about.st_mtime)

    def delete(self, keys: Collection[str]) -> None:
        """See `ObjectStore`."""
        for key in keys:
            (self.folder / key).unlink(missing_ok=True)

    def address(self, key: str) -> str:
        """See `ObjectStore`."""
        return str(self.folder / key)
