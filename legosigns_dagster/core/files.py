"""Folders as values: an index of a folder's files, its digest, and links that use no disk space."""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self, TypeAlias, runtime_checkable

# Files below this folder say where a value came from (task ids, wall times). They travel with the value and do not
# count in its digest: otherwise the same dataset read from a sink and from an export would look like two.
ABOUT = "about"
DIGITS = 12  # of a digest that people read
TORCH_CANNOT_WRITE = ("unexpected pos", "file write failed", "PytorchStreamWriter failed")
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
    with removed_on_failure(partial):
        partial.write_bytes(content)
        partial.replace(target)


@contextmanager
def removed_on_failure(file: Path) -> Iterator[None]:
    """Remove a file that is written in a `with` block, where that fails: a full disk would stay full."""
    try:
        yield
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def is_disk_full(error: BaseException | None) -> bool:
    """Tell whether an error, or one that led to it, means that a disk or a quota is full.

    PyTorch's writer of zip files hides the system's error, and says that it is at an unexpected position.
    """
    if error is None:
        return False
    is_systems = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    is_torchs = isinstance(error, RuntimeError) and any(text in str(error) for text in TORCH_CANNOT_WRITE)
    return is_systems or is_torchs or is_disk_full(error.__cause__) or is_disk_full(error.__context__)


def no_space_message(folder: Path, needed: int) -> str:
    """Say that a disk is full: where, how much is free, how much is needed (in bytes), and what to do."""
    free_mb, needed_mb = shutil.disk_usage(folder).free / 1e6, max(needed / 1e6, 1)
    return (
        f"no space is left in {folder}: {free_mb:.0f} MB are free, about {needed_mb:.0f} MB are needed. "
        "Delete something (`legosigns prune` lists old versions and what killed runs left), raise the quota, or set "
        "LEGOSIGNS_STORE to a larger disk (with AWS_S3_BUCKET: TMPDIR)"
    )


@contextmanager
def explain_full_disk(folder: Path, needed: int) -> Iterator[None]:
    """Turn an error of a `with` block that means a full disk into one that says so, see `no_space_message`.

    Raises:
        OSError: the disk of the folder is full.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        if not is_disk_full(error) or "no space is left in" in str(error):
            raise
        raise OSError(errno.ENOSPC, no_space_message(folder, needed)) from error
