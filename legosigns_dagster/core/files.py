"""Folders as values: an index of what is in one, its digest, and links that cost no disk."""

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
SMALL = 2**20


@dataclass(frozen=True)
class FileEntry:
    """One file's content: its SHA-256 as 64 hex digits and its size in bytes."""

    sha256: str
    size: int


FolderIndex: TypeAlias = Mapping[str, FileEntry]  # POSIX path below the folder, sorted, to its content


@runtime_checkable
class SavedAsFolder(Protocol):
    """An asset's value: a frozen dataclass in front of a folder, which knows how to save and load itself."""

    @property
    def folder(self) -> Path:
        """The folder that holds it."""

    @property
    def index(self) -> FolderIndex | None:
        """What is in the folder, once it was saved or loaded; None for a value that was just made."""

    def save(self) -> Path:
        """Complete the folder and return it."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The value that `save` left in this folder."""


def file_sha256(file: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hex digits, read in blocks."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def nothing_known(_: os.stat_result) -> str | None:
    """No file's SHA-256 without reading it."""
    return None


def index_folder(
    folder: Path, recognize: Callable[[os.stat_result], str | None] = nothing_known
) -> dict[str, FileEntry]:
    """Index every file below a folder. A file is read unless `recognize` tells its SHA-256."""
    found = {}
    for parent, _, names in os.walk(folder):
        below = Path(parent).relative_to(folder).as_posix()
        prefix = "" if below == "." else f"{below}/"
        for name in names:
            file = f"{parent}/{name}"
            about = os.stat(file)
            found[prefix + name] = FileEntry(recognize(about) or quick_sha256(file, about.st_size), about.st_size)
    return dict(sorted(found.items()))


def quick_sha256(file: str, size: int) -> str:
    """A file's SHA-256; one that is small is read at once, which takes half the time."""
    if size > SMALL:
        return file_sha256(Path(file))
    with open(file, "rb", buffering=0) as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def folder_digest(index: FolderIndex) -> str:
    """Compute the SHA-256 over paths and contents, as 64 hex digits; files below `about/` do not count."""
    lines = [f"{entry.sha256}  {path}\n" for path, entry in sorted(index.items()) if not path.startswith(f"{ABOUT}/")]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Make `target` the same file as `source` without using disk, or a copy where that is not possible.

    The two share their bytes: use `shutil.copyfile` for a file that somebody will write into.
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
    """Write a file so that a reader sees all of it or nothing, whenever this process is killed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    partial.write_bytes(content)
    partial.replace(target)
