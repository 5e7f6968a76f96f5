"""Objects in a bucket of S3, MinIO or another server that speaks its API."""

import threading
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, suppress
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from legosigns_dagster.core.files import write_whole
from legosigns_dagster.resources.storage.object_store import SMALL, TRANSFERS, Stored
from legosigns_dagster.resources.storage.s3_errors import BROKEN_OFF, explained
from legosigns_dagster.resources.storage.s3_fast_path import QuickS3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# 8 MiB for each part that is under way: of two large files at a time, four parts each. What waits for the disk is in
# pieces of 256 KiB, of which boto3 would keep a thousand.
LARGE_AT_A_TIME, PARTS = 2, TransferConfig(max_concurrency=4, max_io_queue=32)
DELETED_AT_A_TIME = 1000  # S3's limit
FEW = 100  # keys are asked for one by one: a listing may be long
LISTED_PER_QUESTION = 10  # a page of a listing tells 1,000 keys for hardly more than one question costs


class S3ObjectStore:
    """See `ObjectStore`. `variable` is what names the bucket: errors tell people to look at it."""

    def __init__(
        self, client: "S3Client", bucket: str, variable: str = "AWS_S3_BUCKET", quick: QuickS3 | None = None
    ) -> None:
        self.client, self.bucket, self.variable = client, bucket, variable
        self.quick = quick or QuickS3(None)
        self._large = threading.Semaphore(LARGE_AT_A_TIME)

    def upload(self, file: Path, key: str) -> None:
        """See `ObjectStore`."""
        if file.stat().st_size <= SMALL:
            self.write(key, file.read_bytes())
            return
        with self._large, self._explained(key):
            self.client.upload_file(str(file), self.bucket, key, Config=PARTS)

    def download(self, key: str, into: Path, size: int | None = None) -> None:
        """See `ObjectStore`."""
        if size is not None and size <= SMALL:
            write_whole(into, self.read(key))
            return
        into.parent.mkdir(parents=True, exist_ok=True)
        with self._large, self._explained(key):
            self.client.download_file(self.bucket, key, str(into), Config=PARTS)

    def write(self, key: str, content: bytes) -> None:
        """See `ObjectStore`."""
        if self.quick.put(key, content):
            return
        with self._explained(key):
            self.client.put_object(Bucket=self.bucket, Key=key, Body=content)

    def read(self, key: str) -> bytes:
        """See `ObjectStore`."""
        if (content := self.quick.get(key)) is not None:
            return content
        with self._explained(key):
            # botocore asks again where no answer comes, and boto3's transfers, at three times the cost of a plain
            # request, also where one breaks off in the middle.
            with suppress(*BROKEN_OFF), closing(self.client.get_object(Bucket=self.bucket, Key=key)["Body"]) as body:
                return body.read()
            whole = BytesIO()
            self.client.download_fileobj(self.bucket, key, whole, Config=PARTS)
            return whole.getvalue()

    def present(self, prefix: str, keys: Collection[str]) -> set[str]:
        """See `ObjectStore`."""
        if len(keys) <= FEW:
            return self._there(keys)
        most = LISTED_PER_QUESTION * len(keys)
        listed = self.quick.keys(prefix, most)
        if listed is None:
            listed = [one.key for one in islice(self.stored(prefix), most)]
        beyond = [key for key in keys if listed and key > listed[-1]]
        return (set(keys) & set(listed)) | self._there(beyond)

    def stored(self, prefix: str) -> Iterator[Stored]:
        """See `ObjectStore`."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        with self._explained(prefix):
            for page in pages:
                for item in page.get("Contents", []):
                    yield Stored(item["Key"], item["Size"], item["LastModified"].timestamp())

    def delete(self, keys: Collection[str]) -> None:
        """See `ObjectStore`."""
        left = iter(keys)
        while some := list(islice(left, DELETED_AT_A_TIME)):
            with self._explained(some[0]):
                answer = self.client.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True}
                )
                if failed := answer.get("Errors"):
                    raise ClientError({"Error": {"Code": failed[0].get("Code", "")}}, "DeleteObjects")

    def address(self, key: str) -> str:
        """See `ObjectStore`."""
        return f"s3://{self.bucket}/{key}"

    def exists(self, key: str) -> bool:
        """Whether there is an object with exactly this key, which may be read."""
        there = self.quick.exists(key)
        if there is not None:
            return there
        try:
            with self._explained(key):
                self.client.head_object(Bucket=self.bucket, Key=key)
        except FileNotFoundError:
            return False
        return True

    def _there(self, keys: Collection[str]) -> set[str]:
        with ThreadPoolExecutor(TRANSFERS) as pool:
            return {key for key, there in zip(keys, pool.map(self.exists, keys), strict=True) if there}

    def _explained(self, key: str) -> AbstractContextManager[None]:
        return explained(self.address(key), self.client.meta.endpoint_url, self.variable)
