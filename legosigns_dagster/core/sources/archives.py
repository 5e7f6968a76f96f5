"""Archives that people give: unpacked into a folder, into no place outside of it, and only as much as real data has."""

import bz2
import gzip
import lzma
import posixpath
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, cast

from legosigns_dagster.core.sources.source_files import FULL_DISK, show_name, tidy
from legosigns_dagster.core.sources.unpack_limit import BoundedReader, RefusedError, UnpackLimit

LONGEST_LINK = 4096  # bytes: of a path
WINDOWS_FOLDER = 0x10  # an attribute: some programs write the name of a folder without a slash
PACKINGS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
TODO = "pack only the images and labels again, or give their folder"


def unpack(source: Path, into: Path) -> Path:
    """Unpack a `.tar.gz` or a `.zip` into a folder. A source that is a folder is returned as it is.

    Raises:
        ValueError: The file cannot be read, a member would be written outside of the folder, is there twice or is no
            file, or it unpacks to more than real data does.
        OSError: The disk is full.
    """
    if source.is_dir():
        return source
    into.mkdir(parents=True, exist_ok=True)
    limit = UnpackLimit(source.stat().st_size, shutil.disk_usage(into).free)
    try:
        (unpack_zip if is_zip(source) else unpack_tar)(source, into, limit)
    except (tarfile.FilterError, RefusedError) as error:
        raise ValueError(f"{source} is refused: {error}: {TODO}") from error
    except Exception as error:  # of any kind: archives are damaged in many ways
        if isinstance(error, OSError) and error.errno in FULL_DISK:
            raise OSError(error.errno, f"{source} does not fit on the disk of {into}: free some of it") from error
        words = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{source} is not a readable .tar.gz or .zip ({words}): give one, or a folder") from error
    return into


def is_zip(source: Path) -> bool:
    """Tell whether a file is a zip. A tar that ends with a zip is none."""
    with source.open("rb") as stream:
        start = stream.read(512)
    if start.startswith(tuple(PACKINGS)) or start[257:262] == b"ustar":
        return False
    return zipfile.is_zipfile(source)


def find_target(name: str, into: Path, is_folder: bool) -> Path:
    """Find the path that a member is written to, and make the folder that it is in.

    Raises:
        RefusedError: It is outside of the folder, behind a link, or there already.
    """
    path, shown = posixpath.normpath(name.lstrip("/")), show_name(name)
    if path.startswith(".."):
        raise RefusedError(f"{shown!r} would be written outside of {into}")
    target = into / path
    above = [parent for parent in target.parents if parent != into and parent.is_relative_to(into)]
    if any(parent.is_symlink() for parent in above):
        raise RefusedError(f"{shown!r} would be written through a link")
    if any(parent.exists() and not parent.is_dir() for parent in above):
        raise RefusedError(f"{shown!r} is below a member that is no folder")
    is_old_folder = is_folder and target.is_dir() and not target.is_symlink()
    if (target.exists() or target.is_symlink()) and not is_old_folder:
        raise RefusedError(f"{shown!r} is there twice, perhaps in another case")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def unpack_tar(source: Path, into: Path, limit: UnpackLimit) -> None:
    """Unpack a tar, packed or not.

    Raises:
        RefusedError: As `find_target` and `UnpackLimit.count`, or a hard link leads to no file before it.
        tarfile.FilterError: A member is a device or a pipe, or a link leads outside.
    """
    with source.open("rb") as packed:
        start = packed.read(6)
    open_stream = next((opener for magic, opener in PACKINGS.items() if start.startswith(magic)), open)
    with open_stream(source, "rb") as stream:
        reader = BoundedReader(stream)
        with tarfile.open(fileobj=cast(IO[bytes], reader), mode="r:") as archive:
            while (member := archive.next()) is not None:
                archive.members.clear()  # type: ignore[attr-defined]  # they are kept otherwise, a gigabyte for a million
                limit.count(member.name, member.size)
                find_target(member.name, into, member.isdir())
                if member.islnk() and not is_plain(into / member.linkname, into):
                    raise RefusedError(
                        f"{show_name(member.name)!r} is a link to {show_name(member.linkname)!r}, no file"
                    )
                archive.extract(member, into, filter="data")
        if reader.last.strip(b"\0"):  # tarfile takes a damaged header for the end, and what follows would be lost
            raise ValueError(f"it is damaged, or cut off, after {limit.files} members")


def is_plain(file: Path, into: Path) -> bool:
    """Tell whether there is a file below a folder that no link leads to."""
    return file.is_file() and file.resolve() == into.resolve() / posixpath.normpath(file.relative_to(into).as_posix())


def unpack_zip(source: Path, into: Path, limit: UnpackLimit) -> None:
    """Unpack a `.zip`, also one from Windows with backslashes in its names.

    Raises:
        RefusedError: As `find_target` and `UnpackLimit.count`, or a member is a device, or a link that leads outside.
    """
    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            limit.count(member.filename, member.file_size)
        for member in archive.infolist():
            name, kind = member.filename.replace("\\", "/"), stat.S_IFMT(member.external_attr >> 16)
            is_folder = name.endswith("/") or bool(member.external_attr & WINDOWS_FOLDER and not member.file_size)
            target = find_target(tidy(name), into, is_folder)
            if is_folder:
                target.mkdir(exist_ok=True)
            elif kind == stat.S_IFLNK:
                link = archive.open(member).read(LONGEST_LINK).decode("utf-8", "surrogateescape")
                if link.startswith("/") or not (target.parent / link).resolve().is_relative_to(into.resolve()):
                    raise RefusedError(f"{show_name(name)!r} is a link to {show_name(link)!r}, outside of the archive")
                target.symlink_to(link)
            elif kind in (0, stat.S_IFREG):
                with archive.open(member) as content, target.open("xb") as written:
                    shutil.copyfileobj(content, written)
            else:
                raise RefusedError(f"{show_name(name)!r} is a device or a pipe")
