"""Blobs on this machine's disk, so that a step fetches what it lacks and hashes what it does not know."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from legosigns_dagster.core.files import FileEntry

# The modification time of every file here, the start of the year 2000. Folders share these files as links, and whoever
# writes into one sets another time: the blob is then fetched again, and the file hashed.
SEAL_NS = 946_684_800 * 10**9


class BlobCache:
    """Files under their SHA-256, which were checked before they came here. Used by threads and by several processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def file(self, entry: FileEntry) -> str:
        """Where a blob is, or would be."""
        return f"{self._folder}/{entry.sha256[:2]}/{entry.sha256}"

    def has(self, entry: FileEntry) -> bool:
        """Whether a blob is here, as it was when it came."""
        try:
            about = os.stat(self.file(entry))
        except FileNotFoundError:
            return False
        return about.st_size == entry.size and is_sealed(about)

    def place(self, entry: FileEntry) -> Path:
        """Where to write a blob's bytes before `keep`: a name of this process's own."""
        file = Path(self.file(entry))
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.with_name(f".{file.name}.{os.getpid()}.partial")

    def keep(self, placed: Path, entry: FileEntry) -> None:
        """Take over a file whose bytes were checked."""
        os.utime(placed, ns=(SEAL_NS, SEAL_NS))
        placed.replace(self.file(entry))

    def share(self, file: Path, entry: FileEntry) -> None:
        """Have a blob from a file that was just hashed, if it has no other name: it may be somebody's original."""
        if os.stat(file).st_nlink > 1:
            return
        placed = self.place(entry)
        with suppress(OSError):  # another file system, or one without links: it is fetched when it is needed
            os.link(file, placed)
            self.keep(placed, entry)

    def recognizer(self) -> Callable[[os.stat_result], str | None]:
        """A function that tells the SHA-256 of a file that is a link to a blob here, without reading it."""
        known: dict[tuple[int, int], str] = {}
        with suppress(FileNotFoundError):
            for folder in os.scandir(self._folder):
                for blob in os.scandir(folder):
                    if is_sealed(about := blob.stat()) and not blob.name.startswith("."):
                        known[about.st_dev, about.st_ino] = blob.name

        def recognize(about: os.stat_result) -> str | None:
            return known.get((about.st_dev, about.st_ino)) if is_sealed(about) else None

        return recognize


def is_sealed(about: os.stat_result) -> bool:
    """Whether nobody has written into a file since it was sealed."""
    return about.st_mtime_ns == SEAL_NS
