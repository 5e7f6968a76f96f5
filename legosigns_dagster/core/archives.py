"""Archives that people give: unpacked into a folder, and into no place outside of it."""

import shutil
import stat
import tarfile
import zipfile
import zlib
from pathlib import Path

from legosigns_dagster.core.source_files import tidy


class MemberRefusedError(ValueError):
    """A member of an archive would be written outside of the folder, or leads there."""


def unpack(source: Path, into: Path) -> Path:
    """Unpack a `.tar.gz` or a `.zip` into a folder. A source that is a folder is returned as it is.

    Raises:
        ValueError: The file cannot be read, or one of its members would be written outside of the folder.
    """
    if source.is_dir():
        return source
    try:
        if zipfile.is_zipfile(source):
            unpack_zip(source, into)
        else:
            with tarfile.open(source) as archive:
                archive.extractall(into, filter="data")
    except (tarfile.FilterError, MemberRefusedError) as error:
        raise ValueError(f"{source}: {error}: refused, an archive may only write below its own folder") from error
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{source} is not a readable .tar.gz or .zip ({error}): give one, or a folder") from error
    return into


def unpack_zip(source: Path, into: Path) -> None:
    """Unpack a `.zip`, also one from Windows with backslashes in its names.

    Raises:
        MemberRefusedError: A member would be written outside of the folder, or is a link that leads outside.
    """
    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            name = tidy(member.filename).lstrip("/")
            target = into / name
            if not target.resolve().is_relative_to(into.resolve()):
                raise MemberRefusedError(f"{member.filename!r} would be written to {target.resolve()}")
            if member.filename.replace("\\", "/").endswith("/"):
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if stat.S_ISLNK(member.external_attr >> 16):
                link = Path(archive.read(member).decode("utf-8"))
                if link.is_absolute() or not (target.parent / link).resolve().is_relative_to(into.resolve()):
                    raise MemberRefusedError(f"{member.filename!r} is a link to {link}")
                target.symlink_to(link)
            else:
                with archive.open(member) as content, target.open("wb") as written:
                    shutil.copyfileobj(content, written)
