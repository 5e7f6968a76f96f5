"""Folders as values: an index of what is in one, its digest, and links that cost no disk."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

# Files below this folder say where a value came from (task ids, wall times). They travel with the value and do not
# count in its digest: otherwise the same dataset read from a sink and from an export would look like two.
ABOUT = "about"
SMALL = 2**20


@dataclass(frozen=True)
class FileEntry:
    """One file's content: its SHA-256 as 64 hex digits and its size in bytes."""

    sha256: str
    size: int


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hex digits, read in blocks."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def index_folder(folder: Path) -> dict[str, FileEntry]:
    """Every file below `folder`: POSIX path relative to it, sorted, to its entry."""
    found = {}
    for parent, _, names in os.walk(folder):
        below = Path(parent).relative_to(folder).as_posix()
        prefix = "" if below == "." else f"{below}/"
        for name in names:
            found[prefix + name] = entry_of(os.path.join(parent, name))
    return dict(sorted(found.items()))


def entry_of(file: str) -> FileEntry:
    """A file's entry. One that is small is read at once, which takes half the time."""
    with open(file, "rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size
        digest = hashlib.sha256(stream.read()) if size <= SMALL else hashlib.file_digest(stream, "sha256")
        return FileEntry(digest.hexdigest(), size)


def digest_of(index: dict[str, FileEntry]) -> str:
    """The SHA-256 over paths and contents, as 64 hex digits; files below `about/` left out."""
    lines = [f"{entry.sha256}  {path}\n" for path, entry in sorted(index.items()) if not path.startswith(f"{ABOUT}/")]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def link_or_copy(source: Path, target: Path) -> None:
    """Make `target` the same file as `source` without using disk, or a copy where that is not possible.

    The two share their bytes: use `shutil.copyfile` for a file that somebody will write into.
    """
    try:
        os.link(source, target)
    except OSError:  # no folder yet, an older file in the way, another file system, or one without links
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)


def write_whole(target: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of it or nothing, whenever this process is killed."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
    partial.replace(target)
