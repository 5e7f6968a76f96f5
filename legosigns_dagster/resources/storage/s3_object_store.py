"""The object store in S3, MinIO or another server that speaks the S3 API."""

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
from legosigns_dagster.resources.storage import s3_requests
from legosigns_dagster.resources.storage.layout import PREFLIGHT, content_type
from legosigns_dagster.resources.storage.object_store import (
    PARALLEL_TRANSFERS,
    SMALL_OBJECT,
    ChangedMeanwhileError,
    ObjectInfo,
)
from legosigns_dagster.resources.storage.s3_errors import INTERRUPTED, S3Error, translate_errors
from legosigns_dagster.resources.storage.s3_fast_path import S3FastPath

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Bounds the memory: two large files at a time, four parts of each, 8 MiB a part. Blocks of 256 KiB wait for the disk,
# at most 32; boto3's default is 1,000.
PARALLEL_LARGE, PARTS = 2, TransferConfig(max_concurrency=4, max_io_queue=32)
DELETE_BATCH = 1000  # S3's limit
MAX_SINGLE_CHECKS = 100  # up to so many keys are checked one by one: a listing may be long
LISTED_KEYS_PER_CHECK = 10  # a page of a listing has 1,000 keys and costs hardly more than one check


class S3ObjectStore:
    """See `ObjectStore`.

    Args:
        client: Boto3's client.
        bucket: The bucket's name.
        variable: The variable that names the bucket, for error messages.
        fast_path: For small objects. Where it fails, or without one, the client is used.

    Raises:
        S3Error: the bucket's name stands in the server's address.
    """

    def __init__(
        self, client: "S3Client", bucket: str, variable: str = "AWS_S3_BUCKET", fast_path: S3FastPath | None = None
    ) -> None:
        s3_requests.check_address(client.meta.endpoint_url, bucket)
        self.client, self.bucket, self.variable = client, bucket, variable
        self.fast_path = fast_path or S3FastPath(None)
        self._large = threading.Semaphore(PARALLEL_LARGE)

    def upload(self, file: Path, key: str) -> None:
        """See `ObjectStore`."""
        if file.stat().st_size <= SMALL_OBJECT:
            self.write(key, file.read_bytes())
            return
        with self._large, self._translate_errors(key):
            kind = {"ContentType": content_type(key)}
            self.client.upload_file(str(file), self.bucket, key, ExtraArgs=kind, Config=PARTS)

    def download(self, key: str, into: Path, size: int | None = None) -> None:
        """See `ObjectStore`."""
        if size is not None and size <= SMALL_OBJECT:
            write_whole(into, self.read(key))
            return
        into.parent.mkdir(parents=True, exist_ok=True)
        with self._large, self._translate_errors(key):
            self.client.download_file(self.bucket, key, str(into), Config=PARTS)

    def write(self, key: str, content: bytes) -> None:
        """See `ObjectStore`."""
        if self.fast_path.put(key, content):
            return
        with self._translate_errors(key):
            self.client.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType=content_type(key))

    def read(self, key: str) -> bytes:
        """See `ObjectStore`."""
        if (content := self.fast_path.get(key)) is not None:
            return content
        with self._translate_errors(key):
            # A plain request is sent again where no answer comes. Only boto3's transfers also repeat an answer that
            # breaks off in the middle, but they cost three times as much, so they come second.
            with suppress(*INTERRUPTED), closing(self.client.get_object(Bucket=self.bucket, Key=key)["Body"]) as body:
                return body.read()
            whole = BytesIO()
            self.client.download_fileobj(self.bucket, key, whole, Config=PARTS)
            return whole.getvalue()

    def create(self, key: str, content: bytes) -> None:
        """See `ObjectStore`."""
        with self._translate_errors(key):
            is_written = s3_requests.put_object_if(self.client, self.bucket, key, content)
        if not is_written:
            raise FileExistsError(f"{self.address(key)} exists already")

    def replace(self, key: str, content: bytes, expected: bytes) -> None:
        """See `ObjectStore`."""
        with self._translate_errors(key):
            tag = s3_requests.tag_of_content(self.client, self.bucket, key, expected)
            if tag and s3_requests.put_object_if(self.client, self.bucket, key, content, tag):
                return
        raise ChangedMeanwhileError(f"{self.address(key)} was changed by somebody else meanwhile: try again")

    def require_conditional_writes(self) -> None:
        """See `ObjectStore`."""
        with self._translate_errors(PREFLIGHT):
            s3_requests.require_conditional_writes(self.client, self.bucket)

    def copy(self, source: str, target: str) -> None:
        """See `ObjectStore`. The copy says what it is a copy of."""
        with self._translate_errors(source):
            s3_requests.copy_object(self.client, self.bucket, source, target)

    def is_copy(self, source: str, target: str) -> bool:
        """See `ObjectStore`."""
        with self._translate_errors(target):
            return s3_requests.is_copied_from(self.client, self.bucket, source, target)

    def existing_keys(self, prefix: str, keys: Collection[str]) -> set[str]:
        """See `ObjectStore`."""
        if len(keys) <= MAX_SINGLE_CHECKS:
            return self._check_each(keys)
        most = LISTED_KEYS_PER_CHECK * len(keys)
        listed = self.fast_path.keys(prefix, most)
        if listed is None:
            listed = [item.key for item in islice(self.list_objects(prefix), most)]
        beyond = [key for key in keys if listed and key > listed[-1]]
        return (set(keys) & set(listed)) | self._check_each(beyond)

    def list_objects(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `ObjectStore`."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        try:
            with self._translate_errors(prefix):
                for page in pages:
                    for item in page.get("Contents", []):
                        yield ObjectInfo(item["Key"], item["Size"], item["LastModified"].timestamp())
        except FileNotFoundError as error:  # a listing has no key that could be missing
            raise S3Error(s3_requests.bucket_in_address(self.client.meta.endpoint_url, self.bucket)) from error

    def delete(self, keys: Collection[str]) -> None:
        """See `ObjectStore`."""
        remaining = iter(keys)
        while batch := list(islice(remaining, DELETE_BATCH)):
            with self._translate_errors(batch[0]):
                answer = self.client.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                )
                if failed := answer.get("Errors"):
                    raise ClientError({"Error": {"Code": failed[0].get("Code", "")}}, "DeleteObjects")

    def partial_objects(self, prefix: str) -> Iterator[ObjectInfo]:
        """See `ObjectStore`. The server does not tell how large they are."""
        return (ObjectInfo(key, 0, initiated_s) for key, _, initiated_s in self._uploads(prefix))

    def delete_partial(self, items: Collection[ObjectInfo]) -> None:
        """See `ObjectStore`."""
        for item in items:
            with self._translate_errors(item.key):
                for key, upload, initiated_s in self._uploads(item.key):
                    if (key, initiated_s) == (item.key, item.written_s):
                        self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)

    def _uploads(self, prefix: str) -> Iterator[tuple[str, str, float]]:
        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, Prefix=prefix)
        with self._translate_errors(prefix):
            for page in pages:
                for item in page.get("Uploads", []):
                    yield item["Key"], item["UploadId"], item["Initiated"].timestamp()

    def address(self, key: str) -> str:
        """See `ObjectStore`."""
        return f"s3://{self.bucket}/{key}"

    def exists(self, key: str) -> bool:
        """Whether there is an object with exactly this key. A key that may not be read is an `S3Error`."""
        exists = self.fast_path.exists(key)
        if exists is not None:
            return exists
        try:
            with self._translate_errors(key):
                self.client.head_object(Bucket=self.bucket, Key=key)
        except FileNotFoundError:
            return False
        return True

    def _check_each(self, keys: Collection[str]) -> set[str]:
        with ThreadPoolExecutor(PARALLEL_TRANSFERS) as pool:
            return {key for key, exists in zip(keys, pool.map(self.exists, keys), strict=True) if exists}

    def _translate_errors(self, key: str) -> AbstractContextManager[None]:
        return translate_errors(self.address(key), self.client.meta.endpoint_url, self.variable)
