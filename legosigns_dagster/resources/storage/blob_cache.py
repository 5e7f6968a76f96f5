"""A cache of blobs on the local disk: what is in it is neither downloaded nor hashed again."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from legosigns_dagster.core.files import FileEntry

# Every cached file gets this modification time, the start of the year 2000. Folders share cached files as hard links,
# so anybody who writes into one also changes the cache. The write sets another time: the blob then counts as missing
# and is downloaded again, and the changed file is hashed again.
SEAL_NS = 946_684_800 * 10**9


class BlobCache:
    """Files whose bytes were checked, under their SHA-256. Safe for threads and for several processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def path(self, entry: FileEntry) -> str:
        """Where a blob is, or would be, in the cache."""
        return f"{self._folder}/{entry.sha256[:2]}/{entry.sha256}"

    def has(self, entry: FileEntry) -> bool:
        """Whether a blob is in the cache and nobody has written into it."""
        try:
            status = os.stat(self.path(entry))
        except FileNotFoundError:
            return False
        return status.st_size == entry.size and is_sealed(status)

    def partial_path(self, entry: FileEntry) -> Path:
        """Where to write a blob's bytes before `add`. The name belongs to this process alone."""
        file = Path(self.path(entry))
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.with_name(f".{file.name}.{os.getpid()}.partial")

    def add(self, partial: Path, entry: FileEntry) -> None:
        """Move a file whose bytes were checked into the cache."""
        os.utime(partial, ns=(SEAL_NS, SEAL_NS))
        partial.replace(self.path(entry))

    def add_link(self, file: Path, entry: FileEntry) -> None:
        """Hard-link a just-hashed file into the cache, unless it already has other links.

        With other links it may be the original of a person, whose modification time must not change.
        """
        if os.stat(file).st_nlink > 1:
            return
        partial = self.partial_path(entry)
        with suppress(OSError):  # another file system, or one without links: the blob is downloaded when it is needed
            os.link(file, partial)
            self.add(partial, entry)

    def hash_lookup(self) -> Callable[[os.stat_result], str | None]:
        """List the cache once, to know files that are links to its blobs without reading them.

        Returns:
            A function from a file's `os.stat` to its SHA-256, or to None for a file that is not a link to a blob here
            or was written into.
        """
        hashes: dict[tuple[int, int], str] = {}
        with suppress(FileNotFoundError):
            for folder in os.scandir(self._folder):
                for blob in os.scandir(folder):
                    if is_sealed(status := blob.stat()) and not blob.name.startswith("."):
                        hashes[status.st_dev, status.st_ino] = blob.name

        def look_up(status: os.stat_result) -> str | None:
            return hashes.get((status.st_dev, status.st_ino)) if is_sealed(status) else None

        return look_up


def is_sealed(status: os.stat_result) -> bool:
    """Whether a file has the modification time of the cache: nobody has written into it since it was added."""
    return status.st_mtime_ns == SEAL_NS
