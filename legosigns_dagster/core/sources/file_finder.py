"""Find a file of a location by as much of its path as is known: its name alone is often not enough."""

import filecmp
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Folders of copies that programs make: smaller ones, and pictures of results. A training on them learns what people
# did not see. Only the folders below the location count, so a location may itself be one of them.
COPIES = re.compile(
    r"^\.|(?<![a-z])(thumb(nail)?s?|eadir|previews?|resized?|lowres|downscaled|scaled|cache|runs|results?|predict(ion)?s?|preds?|"
    r"detect(ion)?s?|outputs?|annotated|visuali[sz](ed|ations?)|overlays?|debug|masks?|heatmaps?|crop(ped|s)?|augmented|"
    r"backups?|trash|macosx|checkpoints|small$|tiny$|low[-_ ]res|\d+\s?x\s?\d+|[wh]?\d+(px|p)$)(?![a-z])",
    re.IGNORECASE,
)


class AmbiguousFileError(LookupError):
    """Several different files fit what is known of a path. All are in the message."""


@dataclass(frozen=True)
class Candidate:
    """A file that has the wanted name.

    Attributes:
        name: Its path below the location, as it is stored.
        folders: The folders of that path, in one Unicode form.
        above: The folders of the location itself.
    """

    name: str
    folders: tuple[str, ...]
    above: tuple[str, ...]

    def shared_folders(self, wanted: Sequence[str]) -> int:
        """Count the folders, from the file upwards, that are those of the wanted path."""
        count = 0
        for ours, theirs in zip(reversed((*self.above, *self.folders)), reversed(wanted[:-1]), strict=False):
            if ours != theirs:
                break
            count += 1
        return count

    def unnamed_folders(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """List the folders below the location that the wanted path does not have."""
        return self.folders[: max(0, len(self.folders) - self.shared_folders(wanted))]


class FileFinder:
    """Finds files by their paths, as far as those are known. Safe for threads.

    The file that shares most folders with the wanted path is taken. A file in a folder of thumbnails, resized copies
    or results is taken only where the wanted path names that folder. A file that is another wanted path's by its
    folders is not taken. Paths are compared in one Unicode form.

    Args:
        root: The location's own path.
        names: The files' paths below it.
        fetch: Gets the file of such a path. A download goes to the path that is given.
        wanted: What will be looked for, as far as it is known: for each file the paths that `find` will get.
    """

    def __init__(
        self,
        root: str,
        names: Iterable[str],
        fetch: Callable[[str, Path], Path],
        wanted: Iterable[Sequence[str]] = (),
    ) -> None:
        self._fetch = fetch
        self._by_name: dict[str, list[Candidate]] = {}
        self._by_parent: dict[tuple[str, ...], list[Candidate]] = {}  # by the last folder and the name
        above = path_parts(root)
        for name in names:
            *folders, last = path_parts(name)
            one = Candidate(name, tuple(folders), above)
            self._by_name.setdefault(last, []).append(one)
            self._by_parent.setdefault((*above, *folders, last)[-2:], []).append(one)
        self._folders = {folder for same in self._by_name.values() for one in same for folder in one.folders}
        self._claims: dict[str, set[tuple[str, ...]]] = defaultdict(set)  # by a file's name: the paths that it fits
        same_name: dict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
        for parts in (path_parts(path) for paths in wanted for path in paths):
            same_name[parts[-1:]].add(parts)
        for parts in (parts for same in same_name.values() if len(same) > 1 for parts in same):
            for one in self._fitting(parts):
                self._claims[one.name].add(parts)

    def find(self, paths: Iterable[str], into: Path) -> Path | None:
        """Find the file of the first of these paths for which there is one.

        Args:
            paths: What the file's path may be. The first folders may be unknown here.
            into: An empty folder for downloads.

        Raises:
            AmbiguousFileError: Several files that are not equal fit equally well, or one fits several wanted paths.
        """
        meanings = [path_parts(path) for path in paths]
        for wanted in meanings:
            fitting = [one for one in self._fitting(wanted) if not self._is_of_another(one, wanted, meanings)]
            files = [self._fetch(one.name, into / f"found{number}") for number, one in enumerate(fitting)]
            if any(not filecmp.cmp(files[0], other, shallow=False) for other in files[1:]):
                raise AmbiguousFileError(
                    f"{len(fitting)} files fit: {', '.join(sorted(one.name for one in fitting)[:5])}"
                )
            if files:
                return files[0]
        return None

    def passed_over(self, paths: Iterable[str]) -> list[str]:
        """List the files that have the name of one of these paths, but lie in another folder."""
        same = [one for wanted in map(path_parts, paths) for one in self._candidates(wanted)]
        return sorted({one.name for one in same})

    def _candidates(self, wanted: Sequence[str]) -> list[Candidate]:
        return self._by_name.get(wanted[-1], []) if wanted else []

    def _fitting(self, wanted: tuple[str, ...]) -> list[Candidate]:
        # Files in a folder of the same name share more folders than any other. They are few, also of a common name.
        for candidates in (self._by_parent.get(wanted[-2:], []), self._candidates(wanted)):
            ranked: dict[tuple[int, bool], list[Candidate]] = {}
            for one in candidates:
                unnamed = one.unnamed_folders(wanted)
                if not any(map(holds_copies, unnamed)) and not self._is_elsewhere(one, wanted):
                    ranked.setdefault((one.shared_folders(wanted), not unnamed), []).append(one)
            if ranked:
                return ranked[max(ranked)]
        return []

    def _is_of_another(self, one: Candidate, wanted: Sequence[str], meanings: Sequence[tuple[str, ...]]) -> bool:
        """Tell whether a file is another wanted path's, which shares more folders with it.

        Raises:
            AmbiguousFileError: It fits both equally well: files of two folders were put into one.
        """
        shared = one.shared_folders(wanted)
        for other in sorted(self._claims.get(one.name, set()).difference(meanings)):
            theirs = one.shared_folders(other)
            if theirs > shared:
                return True
            if theirs == shared == 0 and len(wanted) > 1 < len(other) and other[-2] != wanted[-2]:
                both = " or ".join("/".join(path) for path in (other, wanted))
                raise AmbiguousFileError(f"{one.name} may be {both}")
        return False

    def _is_elsewhere(self, one: Candidate, wanted: Sequence[str]) -> bool:
        """Tell whether the wanted file would lie in another folder of this location, or in one numbered like it."""
        unnamed, shared = one.unnamed_folders(wanted), one.shared_folders(wanted)
        if not unnamed or len(wanted) < shared + 2:
            return False
        theirs = wanted[-shared - 2]
        is_known = theirs in self._folders and theirs not in one.folders
        return is_known or without_numbers(theirs) == without_numbers(unnamed[-1])


def path_parts(path: str) -> tuple[str, ...]:
    """Split a path into its folders and its name, in Unicode's form NFC: macOS writes another one than most people."""
    parts = unicodedata.normalize("NFC", path).replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in ("", "."))


@cache
def holds_copies(folder: str) -> bool:
    """Tell by a folder's name whether programs write copies into it: `thumbs_256`, `@eaDir`, `640x480`."""
    return bool(COPIES.search(folder))


def without_numbers(folder: str) -> str:
    """Write a folder's name with # for each number. Two such folders are numbered like `cam1` and `cam2`.

    Example:
        >>> without_numbers("cam12"), without_numbers("2026-05-01")
        ('cam#', '#-#-#')
    """
    return re.sub(r"\d+", "#", folder)
