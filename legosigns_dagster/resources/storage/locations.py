"""Where an input is: a path on this machine, or an `s3://` URI that is downloaded first."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from legosigns_dagster.core.sources.file_finder import FileFinder
from legosigns_dagster.resources.storage.object_store import PARALLEL_TRANSFERS, ObjectInfo
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

VERSION = "?versionId="
NO_VERSIONS = "a version of an object is not read here, copy it to a key of its own and name that"


@dataclass(frozen=True)
class Location:
    """The place that a variable names.

    Attributes:
        uri: A path or an `s3://` URI.
        variable: The variable's name, for error messages.
        client: Makes the S3 client. Only an `s3://` URI needs one.
    """

    uri: str
    variable: str
    client: Callable[[], "S3Client"]

    def fetch(self, into: Path) -> Path:
        """Get the file or folder: a path is used where it is, an `s3://` URI is downloaded into the folder `into`.

        Returns:
            The file or folder on this machine.

        Raises:
            FileNotFoundError: there is nothing. The message names the variable.
        """
        if not self.uri.startswith("s3://"):
            if not Path(self.uri).exists():
                raise FileNotFoundError(f"{self.variable} is {self.uri}: no such file or folder")
            return Path(self.uri)
        items = self.list_objects()
        if not items:
            raise self._not_found()
        objects, prefix = self._objects(), self._prefix()
        single = [item.key for item in items] == [prefix]
        targets = [into / (Path(prefix).name if single else relative_key(item.key, prefix)) for item in items]
        require_different(targets, [item.key for item in items])
        with ThreadPoolExecutor(PARALLEL_TRANSFERS) as pool:
            list(pool.map(lambda item, target: objects.download(item.key, target, item.size), items, targets))
        return targets[0] if single else into

    def require_readable(self) -> None:
        """Check that there is something, and that it may be read.

        Raises:
            OSError: it is not so. The message names the variable.
        """
        if self.uri.startswith("s3://"):
            first = next(self._iterate(), None)
            if first is None or not self._objects().exists(first.key):
                raise self._not_found()
        elif not os.access(self.fetch(Path()), os.R_OK):
            raise PermissionError(
                f"{self.variable} is {self.uri}, which this process may not read: change its permissions"
            )

    def list_objects(self) -> list[ObjectInfo]:
        """List what an `s3://` URI names: the object itself, or all objects below it.

        An empty object with the name of a folder is left out: it marks the folder, and its file would be in the way.
        """
        items = list(self._iterate())
        folders = {folder for item in items for folder in parent_keys(item.key)}
        return [item for item in items if item.size or item.key not in folders]

    def _iterate(self) -> Iterator[ObjectInfo]:
        prefix = self._prefix()
        for item in self._objects().list_objects(prefix):
            wanted = item.key == prefix or prefix.endswith("/") or is_below(item.key, prefix)
            if wanted and not item.key.endswith("/"):
                yield item

    def _not_found(self) -> FileNotFoundError:
        return FileNotFoundError(f"{self.variable} is {self.uri}: no object with this key or below it{self._hint()}")

    def _hint(self) -> str:
        return f": {NO_VERSIONS}" if VERSION in self.uri else ""

    def finder(self, wanted: Iterable[Sequence[str]] = ()) -> FileFinder:
        """List the location once, to find its files by as much of their path as is known.

        Args:
            wanted: What will be looked for, see `FileFinder`.

        Raises:
            NotADirectoryError: It is a file. The message names the variable.
        """
        if not self.uri.startswith("s3://"):
            folder = self.fetch(Path())
            if not folder.is_dir():
                raise NotADirectoryError(f"{self.variable} is {self.uri}, a file: expected a folder, unpack an archive")
            local = {file.relative_to(folder).as_posix(): file for file in list_files(folder)}
            return FileFinder(str(folder.absolute()), local, lambda name, _: local[name], wanted)
        objects, prefix = self._objects(), self._prefix()
        remote = {item.key.removeprefix(prefix).lstrip("/") or item.key: item for item in self.list_objects()}

        def download(name: str, into: Path) -> Path:
            objects.download(remote[name].key, into, remote[name].size)
            return into

        return FileFinder(self.uri, remote, download, wanted)

    def _objects(self) -> S3ObjectStore:
        return S3ObjectStore(self.client(), split_s3_uri(self.uri)[0], self.variable)

    def _prefix(self) -> str:
        return split_s3_uri(self.uri)[1]


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Split an `s3://` URI into bucket and key. A key is taken to the letter: it may hold `?`, `#`, `%` and `//`.

    Example:
        >>> split_s3_uri("s3://bucket/best.pt#2")
        ('bucket', 'best.pt#2')
    """
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def is_below(key: str, prefix: str) -> bool:
    """Whether a key that starts with `prefix` lies in a folder of this name, not beside it."""
    return not prefix or key[len(prefix)] == "/"


def relative_key(key: str, prefix: str) -> str:
    """Make a key relative to its prefix: the path of its file below the folder it is downloaded to.

    Raises:
        ValueError: the file would lie outside of that folder.
    """
    relative = key.removeprefix(prefix).lstrip("/")
    if ".." in relative.split("/"):
        raise ValueError(
            f"the object key {key!r} contains '..': rename it, its file would be written outside of its folder"
        )
    return relative


def require_different(targets: Sequence[Path], keys: Sequence[str]) -> None:
    """Check that each object has a file of its own, which `folder//a` and `folder/a` have not.

    Raises:
        ValueError: two have the same. The message names them.
    """
    first: dict[Path, str] = {}
    for target, key in zip(targets, keys, strict=True):
        if first.setdefault(target, key) != key:
            raise ValueError(f"the object keys {first[target]!r} and {key!r} give one file: rename one of them")


def parent_keys(key: str) -> Iterator[str]:
    """Yield the key of each folder that a key lies in.

    Example:
        >>> list(parent_keys("sink/7/12"))
        ['sink', 'sink/7']
    """
    parts = key.split("/")
    return ("/".join(parts[:count]) for count in range(1, len(parts)))


def list_files(folder: Path) -> list[Path]:
    """List all files below a folder, also those behind links to folders, in the order of their paths.

    What is no file is listed too, such as a link that leads nowhere. A folder is entered once: links may make a circle.
    """
    entered, found = set(), []
    for parent, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        found += [Path(parent, name) for name in names]
    return sorted(found)
