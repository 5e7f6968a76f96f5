"""What operators point at: a path, or an `s3://` URI that is brought to a folder first."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from legosigns_dagster.resources.storage.object_store import TRANSFERS, Stored
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Location:
    """One place that a variable names; `client` makes the S3 client, which only an `s3://` URI needs."""

    uri: str
    variable: str
    client: Callable[[], "S3Client"]

    def bring(self, into: Path) -> Path:
        """The file or folder on this machine: a path as it is, an `s3://` URI downloaded into `into`.

        FileNotFoundError that names the variable when there is nothing.
        """
        if not self.uri.startswith("s3://"):
            if not Path(self.uri).exists():
                raise FileNotFoundError(f"{self.variable} is {self.uri}: no such file or folder")
            return Path(self.uri)
        found = self.stored()
        if not found:
            raise self._nothing()
        objects, prefix = self._objects(), self._prefix()
        single = [one.key for one in found] == [prefix]
        targets = [into / (Path(prefix).name if single else below(one.key, prefix)) for one in found]
        with ThreadPoolExecutor(TRANSFERS) as pool:
            list(pool.map(lambda one, target: objects.download(one.key, target, one.size), found, targets))
        return targets[0] if single else into

    def require(self) -> None:
        """An OSError that names the variable where there is nothing, or nothing that may be read."""
        if self.uri.startswith("s3://"):
            first = next(self._stored(), None)
            if first is None or not self._objects().exists(first.key):
                raise self._nothing()
        elif not os.access(self.bring(Path()), os.R_OK):
            raise PermissionError(f"{self.variable} is {self.uri}, which may not be read: change its permissions")

    def stored(self) -> list[Stored]:
        """What an `s3://` URI names: the object itself, or all below it."""
        return list(self._stored())

    def _stored(self) -> Iterator[Stored]:
        prefix = self._prefix()
        found = (one for one in self._objects().stored(prefix) if not one.key.endswith("/"))
        return (one for one in found if one.key == prefix or prefix.endswith("/") or is_below(one.key, prefix))

    def _nothing(self) -> FileNotFoundError:
        return FileNotFoundError(f"{self.variable} is {self.uri}: no object with this key or below it")

    def finder(self) -> Callable[[str, Path], Path | None]:
        """A function that looks an image up here by its name and puts it into a folder, None where it is not."""
        if not self.uri.startswith("s3://"):
            folder = self.bring(Path())
            local = {file.name: file for file in sorted(folder.rglob("*")) if file.is_file()}
            return lambda name, _: local.get(name)
        objects = self._objects()
        remote = {one.key.rsplit("/", 1)[-1]: one for one in self.stored()}

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
    """Whether a key that starts with `prefix` lies in a folder of this name, rather than beside it."""
    return not prefix or key[len(prefix)] == "/"


def below(key: str, prefix: str) -> str:
    """A key relative to its prefix; ValueError for one that would leave the folder it is written to."""
    relative = key.removeprefix(prefix).lstrip("/")
    if ".." in relative.split("/"):
        raise ValueError(f"the object key {key!r} contains '..': rename it, it would be written outside of its folder")
    return relative
