"""The files of a folder that people give, found as they name them: in another Unicode form, case or parent folder."""

import errno
import os
import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.core.images.stored_image import IMAGE_SUFFIXES

MOST_TEXT = 100_000_000  # bytes: a list of a million images has that many. More would fill the memory
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
# Written by operating systems beside people's files; nobody misses them.
SYSTEM_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx", "$recycle.bin", "@eadir"})


@dataclass(frozen=True)
class SourceFiles:
    """The files below a folder that people give.

    Attributes:
        folder: The folder.
        files: Each file by its POSIX path below the folder, in the order of the paths.
        left_out: Path and reason of each link and each file that cannot be used.
    """

    folder: Path
    files: dict[str, Path]
    left_out: list[tuple[str, str]]

    @property
    def images(self) -> dict[str, Path]:
        """The image files among them, known by their endings."""
        return {name: file for name, file in self.files.items() if file.suffix.lower() in IMAGE_SUFFIXES}


def list_source_files(folder: Path) -> SourceFiles:
    """List every file below a folder. Links are followed to files and folders inside of it, and named otherwise.

    Hidden files, and those that an operating system writes by itself, are passed over.
    """
    left_out: list[tuple[str, str]] = []
    found = {file.relative_to(folder).as_posix(): file for file in sorted(walk_files(folder, folder, left_out))}
    return SourceFiles(folder, found, sorted(left_out))


def walk_files(folder: Path, top: Path, left_out: list[tuple[str, str]]) -> Iterator[Path]:
    """Find the files below a folder that is `top` or below it. What cannot be read is added to `left_out`."""
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name.lower() in SYSTEM_NAMES:
            continue
        name = path.relative_to(top).as_posix()
        try:
            if reason := refuse(path, top):
                left_out.append((show_name(name), reason))
            elif path.is_dir():
                yield from walk_files(path, top, left_out)
            else:
                yield path
        except OSError as error:
            left_out.append((name, f"it cannot be read ({error}): change its permissions"))


def refuse(path: Path, top: Path) -> str:
    """Give the reason why a path below folder `top` is not read, empty where it is."""
    name = path.relative_to(top).as_posix()
    if name != show_name(name):
        return "its name is not UTF-8: rename it"
    if path.is_symlink() and (reason := refuse_link(path, top)):
        return reason
    return "" if path.is_file() or path.is_dir() else "neither a file nor a folder"


def show_name(name: str) -> str:
    """Write a name so that it can be put into a table: bytes that are not UTF-8 as escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def refuse_link(link: Path, top: Path) -> str:
    """Give the reason why a link below folder `top` is not followed, empty where it is."""
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        return f"a link that leads nowhere ({error}): put the file itself there"
    if not target.is_relative_to(top.resolve()):
        return f"a link to {target}, outside of {top}: put the file itself there"
    if target.is_dir() and link.parent.resolve().is_relative_to(target):
        return f"a link to {target}, the folder that it lies in: remove it"
    return ""


def is_device(file: Path) -> bool:
    """Tell whether a file is a pipe or a device, which gives bytes without an end, or none and no end either."""
    return file.exists() and not file.is_file() and not file.is_dir()


def tidy(path: str) -> str:
    r"""Write a path as POSIX does, without what changes nothing in it.

    Example:
        >>> tidy(".\\images\\train//a.jpg")
        'images/train/a.jpg'
    """
    return posixpath.normpath(path.strip().replace("\\", "/"))


def read_text(file: Path, shown: object, most: int = MOST_TEXT) -> str:
    """Read a text in UTF-8, with or without a byte order mark. `shown` is what errors call it, `most` is in bytes.

    Raises:
        ValueError: It is in another encoding, or larger than such a file is.
    """
    if (size := file.stat().st_size) > most:
        raise ValueError(f"{shown} has {size / 1e6:.1f} MB, expected at most {most / 1e6:g} MB: is it another file?")
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{shown} is not UTF-8 text ({error}): save it as UTF-8") from error


def as_nfc(path: str) -> str:
    """Write a path in one Unicode form: a Mac writes `ö` as two characters."""
    return unicodedata.normalize("NFC", path)


def without_case(path: str) -> str:
    """Write a path as file systems compare it that take `A.TXT` and `a.txt` for one file."""
    return as_nfc(as_nfc(path).casefold())


FORMS: tuple[Callable[[str], str], ...] = (str, as_nfc, without_case)


class PathLookup:
    """Finds paths by references to them. The strictest form in which there is one decides.

    Example:
        >>> lookup = PathLookup(["speed/1.png", "danger/1.png", "50.PNG"])
        >>> lookup.find("50.png"), lookup.find("1.png")
        (['50.PNG'], [])
        >>> lookup.find_by_tail("cutouts/speed/1.png"), lookup.find_by_tail("1.png")
        (['speed/1.png'], ['speed/1.png', 'danger/1.png'])
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._whole: list[dict[str, list[str]]] = [defaultdict(list) for _ in FORMS]
        self._bare: list[dict[str, list[str]]] = [defaultdict(list) for _ in FORMS]
        for path in paths:
            for form, whole, bare in zip(FORMS, self._whole, self._bare, strict=True):
                whole[form(tidy(path))].append(path)
                bare[form(posixpath.basename(tidy(path)))].append(path)

    def find(self, reference: str) -> list[str]:
        """Find the paths that are this one."""
        found = (whole.get(form(tidy(reference)), []) for form, whole in zip(FORMS, self._whole, strict=True))
        return next(filter(None, found), [])

    def find_by_tail(self, reference: str) -> list[str]:
        """Find the paths that end as the reference does, or that the reference ends in; of them, the longest match."""
        wanted = tidy(reference)
        for form, bare in zip(FORMS, self._bare, strict=True):
            paths = bare.get(form(posixpath.basename(wanted)), [])
            lengths = [count_common_tail(form(tidy(path)), form(wanted)) for path in paths]
            if any(lengths):
                return [path for path, length in zip(paths, lengths, strict=True) if length == max(lengths)]
        return []


def count_common_tail(one: str, other: str) -> int:
    """Count the parts at the end that two paths share; 0 unless all parts of one of them are shared.

    Example:
        >>> count_common_tail("speed/1.png", "cutouts/speed/1.png"), count_common_tail("speed/1.png", "danger/1.png")
        (2, 0)
    """
    pairs = list(zip(reversed(one.split("/")), reversed(other.split("/")), strict=False))
    return len(pairs) if all(a == b for a, b in pairs) else 0


def error_text(error: Exception) -> str:
    """Write the error of an item as a reason: our own words as they are, those of a library with the error's type.

    Raises:
        OSError: The error itself, if the disk is full: that says nothing about the item, and the next one fails too.
    """
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        raise error
    return str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
