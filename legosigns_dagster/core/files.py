"""Folders as values: an index of a folder's files, its digest, and links that use no disk space."""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, TypeAlias, runtime_checkable

# Files below this folder say where a value came from (task ids, wall times). They travel with the value and do not
# count in its digest: otherwise the same dataset read from a sink and from an export would look like two.
ABOUT = "about"
DIGITS = 12  # of a digest that people read
READ_AT_ONCE = 2**20  # bytes: a file up to this size is read into memory, a larger one in blocks


@dataclass(frozen=True)
class FileEntry:
    """The content of one file.

    Attributes:
        sha256: The SHA-256 of its bytes, 64 hex digits.
        size: Its size in bytes.
    """

    sha256: str
    size: int


FolderIndex: TypeAlias = Mapping[str, FileEntry]  # from the POSIX path below the folder, sorted


@runtime_checkable
class SavedAsFolder(Protocol):
    """The value of an asset: a frozen dataclass with a folder, which can save and load itself."""

    @property
    def folder(self) -> Path:
        """The folder with the value's files."""

    @property
    def index(self) -> FolderIndex | None:
        """The folder's files after saving or loading. None for a value that was just made."""

    def save(self) -> Path:
        """Write what is still missing in the folder and return the folder."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the value that `save` wrote into this folder."""


def file_sha256(file: Path) -> str:
    """Compute the SHA-256 of a file's bytes, as 64 hex digits. Reads in blocks."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def nothing_known(_: os.stat_result) -> str | None:
    """Know no file's SHA-256 before it is read: the default of `index_folder`."""
    return None


def index_folder(
    folder: Path, recognize: Callable[[os.stat_result], str | None] = nothing_known
) -> dict[str, FileEntry]:
    """Index every file below a folder.

    Args:
        folder: The folder, with all folders in it.
        recognize: Returns the SHA-256 of a file by its `os.stat`, or None. Only then the file is read.
    """
    entries = {}
    for parent, _, names in os.walk(folder):
        below = Path(parent).relative_to(folder).as_posix()
        prefix = "" if below == "." else f"{below}/"
        for name in names:
            file = f"{parent}/{name}"
            status = os.stat(file)
            entries[prefix + name] = FileEntry(recognize(status) or quick_sha256(file, status.st_size), status.st_size)
    return dict(sorted(entries.items()))


def quick_sha256(file: str, size: int) -> str:
    """Compute a file's SHA-256, a small file's in one read: that takes half the time."""
    if size > READ_AT_ONCE:
        return file_sha256(Path(file))
    with open(file, "rb", buffering=0) as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def folder_digest(index: FolderIndex) -> str:
    """Compute the SHA-256 over all paths and contents, as 64 hex digits. Files below `about/` do not count.

    Example:
        >>> image = FileEntry("0" * 64, 100)
        >>> folder_digest({"a.jpg": image})[:12]
        '681d9f1dbf2e'
        >>> folder_digest({"a.jpg": image, "about/sources.csv": image})[:12]
        '681d9f1dbf2e'
    """
    lines = [f"{entry.sha256}  {path}\n" for path, entry in sorted(index.items()) if not path.startswith(f"{ABOUT}/")]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def short_digest(value: SavedAsFolder) -> str:
    """The first digits of a value's digest, as the UI shows them. A value that was not stored is hashed."""
    return folder_digest(index_folder(value.folder) if value.index is None else value.index)[:DIGITS]


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Make `target` a hard link to `source`, or a copy where the file system has no links.

    A link shares its bytes with the source. Use `shutil.copyfile` for a file that somebody will write into.
    """
    try:
        os.link(source, target)
    except OSError:  # no folder yet, an older file in the way, another file system, or one without links
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).unlink(missing_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)


def write_whole(target: Path, content: bytes) -> None:
    """Write a file under another name, then rename it: readers see the whole file or none.

    That holds even when this process is killed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(target)
