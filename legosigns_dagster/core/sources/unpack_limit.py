"""Bounds for what people pack: real data does not grow a thousand times when it is unpacked."""

from typing import IO

from legosigns_dagster.core.sources.source_files import show_name

# Images are packed already: the sample shrinks by 1.1, its labels alone by 31, BMPs that were scaled up by 24. What
# grows a thousand times is made to fill a disk.
MOST_RATIO = 100
SMALL = 1_000_000_000  # bytes: up to here the ratio does not matter
MOST_FILES = 1_000_000
MOST_OF_DISK = 0.9  # of the free space: the rest of the machine needs some too
LARGEST_HEADER = 1_000_000  # bytes: of one member in a tar, which is read into memory as a whole


class RefusedError(ValueError):
    """An archive has something that is not unpacked. The message says what and what to do."""


class UnpackLimit:
    """Counts what an archive unpacks to.

    Args:
        packed: The archive's own size, in bytes.
        free: The free space on the disk, in bytes.

    Attributes:
        files: How many members were counted.
    """

    def __init__(self, packed: int, free: int) -> None:
        by_ratio, by_disk = most_unpacked(packed), int(free * MOST_OF_DISK)
        self._most = min(by_ratio, by_disk)
        why = f"{MOST_RATIO} times its own size" if by_ratio < by_disk else "what the disk has left"
        self._reason = f"it unpacks to more than {self._most / 1e9:.1f} GB, {why}"
        self._bytes = self.files = 0

    def count(self, name: str, size: int) -> None:
        """Count a member before it is written. `size` is in bytes.

        Raises:
            RefusedError: It is too much.
        """
        if size < 0:
            raise RefusedError(f"{show_name(name)!r} has the size {size}")
        self._bytes, self.files = self._bytes + size, self.files + 1
        if self.files > MOST_FILES:
            raise RefusedError(f"it has more than {MOST_FILES:,} members")
        if self._bytes > self._most:
            raise RefusedError(self._reason)


class BoundedReader:
    """A stream of a tar. Headers that claim to be large are refused instead of read into memory.

    Attributes:
        last: The bytes that were read last.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.seek, self.tell, self.last = stream, stream.seek, stream.tell, b""

    def read(self, size: int = -1) -> bytes:
        """Read bytes. RefusedError where too many are wanted at once."""
        if not 0 <= size <= LARGEST_HEADER:
            raise RefusedError(f"a header in it claims {size} bytes")
        self.last = self._stream.read(size)
        return self.last


def most_unpacked(packed: int) -> int:
    """Tell how many bytes a file of this size may be when it is unpacked."""
    return max(SMALL, packed * MOST_RATIO)
