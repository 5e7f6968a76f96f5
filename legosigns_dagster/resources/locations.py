"""What operators point at: a path, or an `s3://` URI that is brought to a folder first."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from legosigns_dagster.resources.folder_store import TRANSFERS
from legosigns_dagster.resources.object_store import S3ObjectStore

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
        keys = self.keys()
        if not keys:
            raise FileNotFoundError(f"{self.variable} is {self.uri}: no object with this key or below it")
        objects, prefix = self._objects(), self._prefix()
        single = keys == [prefix]
        targets = [into / (Path(prefix).name if single else below(key, prefix)) for key in keys]
        with ThreadPoolExecutor(TRANSFERS) as pool:
            list(pool.map(objects.download, keys, targets))
        return targets[0] if single else into

    def keys(self) -> list[str]:
        """The keys of an `s3://` URI: the object itself, or all below it."""
        prefix = self._prefix()
        found = [key for key in self._objects().keys(prefix) if not key.endswith("/")]
        return [key for key in found if key == prefix or prefix.endswith("/") or not prefix or key[len(prefix)] == "/"]

    def finder(self) -> Callable[[str, Path], Path | None]:
        """A function that looks an image up here by its name and puts it into a folder, None where it is not."""
        if not self.uri.startswith("s3://"):
            folder = self.bring(Path())
            local = {file.name: file for file in sorted(folder.rglob("*")) if file.is_file()}
            return lambda name, _: local.get(name)
        objects = self._objects()
        remote = {key.rsplit("/", 1)[-1]: key for key in self.keys()}

        def find(name: str, into: Path) -> Path | None:
            if name not in remote:
                return None
            objects.download(remote[name], into / "found")
            return into / "found"

        return find

    def _objects(self) -> S3ObjectStore:
        return S3ObjectStore(self.client(), urlsplit(self.uri).netloc)

    def _prefix(self) -> str:
        return urlsplit(self.uri).path.lstrip("/")


def below(key: str, prefix: str) -> str:
    """A key relative to its prefix; ValueError for one that would leave the folder it is written to."""
    relative = key.removeprefix(prefix).lstrip("/")
    if ".." in relative.split("/"):
        raise ValueError(f"the object key {key!r} contains '..': rename it, it would be written outside of its folder")
    return relative
