"""Where bytes are kept under keys: S3, or a folder on disk that behaves the same."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

from legosigns_dagster.core.files import write_whole

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ObjectStore(Protocol):
    """Whole objects under POSIX keys. An object is there completely or not at all, whenever a writer is killed."""

    def upload(self, file: Path, key: str) -> None:
        """Store a file's bytes, streamed from disk."""

    def download(self, key: str, into: Path) -> None:
        """Write an object's bytes to a file; FileNotFoundError that names the key when there is none."""

    def write(self, key: str, content: bytes) -> None:
        """Store a small object."""

    def read(self, key: str) -> bytes:
        """A small object's bytes; FileNotFoundError that names the key when there is none."""

    def exists(self, key: str) -> bool:
        """Whether there is an object with exactly this key."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that starts with `prefix`, sorted."""

    def delete(self, keys: Collection[str]) -> None:
        """Remove objects; a key under which there is none is no error."""

    def address(self, key: str) -> str:
        """The key as people write it: a path or an `s3://` URI."""


class LocalObjectStore:
    """Objects as files below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def upload(self, file: Path, key: str) -> None:
        """See `ObjectStore`."""
        target = self.folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".partial")
        os.close(handle)
        shutil.copyfile(file, partial)
        Path(partial).replace(target)

    def download(self, key: str, into: Path) -> None:
        """See `ObjectStore`."""
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.folder / key, into)

    def write(self, key: str, content: bytes) -> None:
        """See `ObjectStore`."""
        write_whole(self.folder / key, content)

    def read(self, key: str) -> bytes:
        """See `ObjectStore`."""
        return (self.folder / key).read_bytes()

    def exists(self, key: str) -> bool:
        """See `ObjectStore`."""
        return (self.folder / key).is_file()

    def keys(self, prefix: str) -> Iterator[str]:
        """See `ObjectStore`."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and not path.name.endswith(".partial"))
        found = sorted(path.relative_to(self.folder).as_posix() for path in files)
        return (key for key in found if key.startswith(prefix))

    def delete(self, keys: Collection[str]) -> None:
        """See `ObjectStore`."""
        for key in keys:
            (self.folder / key).unlink(missing_ok=True)

    def address(self, key: str) -> str:
        """See `ObjectStore`."""
        return str(self.folder / key)


class S3ObjectStore:
    """Objects in a bucket of S3, MinIO or another server that speaks its API."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self.client, self.bucket = client, bucket

    def upload(self, file: Path, key: str) -> None:
        """See `ObjectStore`."""
        self.client.upload_file(str(file), self.bucket, key)

    def download(self, key: str, into: Path) -> None:
        """See `ObjectStore`."""
        into.parent.mkdir(parents=True, exist_ok=True)
        partial = into.with_name(f".{into.name}.partial")
        try:
            self.client.download_file(self.bucket, key, str(partial))
        except ClientError as error:
            raise self._explained(error, key) from error
        partial.replace(into)

    def write(self, key: str, content: bytes) -> None:
        """See `ObjectStore`."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content)

    def read(self, key: str) -> bytes:
        """See `ObjectStore`."""
        try:
            return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise self._explained(error, key) from error

    def exists(self, key: str) -> bool:
        """See `ObjectStore`."""
        try:
            self.client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if isinstance(self._explained(error, key), FileNotFoundError):
                return False
            raise
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        """See `ObjectStore`."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        for page in pages:
            yield from (item["Key"] for item in page.get("Contents", []))

    def delete(self, keys: Collection[str]) -> None:
        """See `ObjectStore`."""
        for key in keys:
            self.client.delete_object(Bucket=self.bucket, Key=key)

    def address(self, key: str) -> str:
        """See `ObjectStore`."""
        return f"s3://{self.bucket}/{key}"

    def _explained(self, error: ClientError, key: str) -> Exception:
        missing = error.response.get("Error", {}).get("Code") in {"404", "NoSuchKey", "NotFound"}
        return FileNotFoundError(f"{self.address(key)} does not exist") if missing else error
