"""Where an input is: a path on this machine, or an `s3://` URI that is downloaded first."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from legosigns_dagster.resources.storage.object_store import PARALLEL_TRANSFERS, ObjectInfo
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


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
        """List what an `s3://` URI names: the object itself, or all objects below it."""
        return list(self._iterate())

    def _iterate(self) -> Iterator[ObjectInfo]:
        prefix = self._prefix()
        for item in self._objects().list_objects(prefix):
            wanted = item.key == prefix or prefix.endswith("/") or is_below(item.key, prefix)
            if wanted and not item.key.endswith("/"):
                yield item

    def _not_found(self) -> FileNotFoundError:
        return FileNotFoundError(f"{self.variable} is {self.uri}: no object with this key or below it")

    def finder(self) -> Callable[[str, Path], Path | None]:
        """List the location once, to find its files by their names.

        Returns:
            A function from a file's name and an empty folder to the file, which is downloaded into the folder if it
            has to be, or to None where no file has this name.
        """
        if not self.uri.startswith("s3://"):
            folder = self.fetch(Path())
            local = {file.name: file for file in sorted(folder.rglob("*")) if file.is_file()}
            return lambda name, _: local.get(name)
        objects = self._objects()
        remote = {item.key.rsplit("/", 1)[-1]: item for item in self.list_objects()}

        def find(name: str, into: Path) -> Path | None:
            if name not in remote:
                return None
            objects.download(remote[name].key, into / "found", remote[name].size)
            return into / "found"

        return find

    def _objects(self) -> S3ObjectStore:
        return S3ObjectStore(self.client(), urlsplit(self.uri).netloc, self.variable)

    def _prefix(self) -> str:
        return urlsplit(self.uri).path.lstrip("/")


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
