"""How the image of a task is fetched, whatever kind its URL is of."""

import base64
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import requests
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from legosigns_dagster.core.dataset.quarantine import RejectedError
from legosigns_dagster.core.ingestion.image_urls import (
    image_paths,
    inline_image,
    is_inline,
    shown_url,
    split_url,
    storage_uri,
)
from legosigns_dagster.core.sources.file_finder import AmbiguousFileError
from legosigns_dagster.resources.label_studio.failures import is_down, is_missing_key, is_own, shown_text
from legosigns_dagster.resources.label_studio.project import ProjectConnection
from legosigns_dagster.resources.storage.locations import NO_VERSIONS, VERSION, Location

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TIMEOUT_S = (5, 60)  # to connect, to read
BLOCK = 1 << 20  # bytes
TRIES = 3  # for a download that breaks off; requests themselves are retried by the clients
MAX_BYTES = 200_000_000  # of an image file; without a limit a wrong URL fills the pod's disk


class ImageFetcher:
    """Puts the image of a task into a folder, in the first way that applies. Safe for threads.

    1. An image that stands in its task is decoded. In `folder`, where one is set, a file is found by `FileFinder`.
    2. A path without a host, or a URL of Label Studio's own: from Label Studio, with the key. No other server gets it.
    3. `http://`, `https://`: a plain download.
    4. `s3://`: from the bucket. Where that is closed to us, and for any other storage: through Label Studio's own keys.

    Args:
        folder: Where the images are, by their names. None if they are only at their URLs.
        s3_client: Makes the S3 client when the first `s3://` URL comes.
        connection: The Label Studio to ask, and the project that the images belong to. None if there is none to ask.
        urls: The URLs that will be fetched, as far as they are known: no image gets the file of another one's URL.
    """

    def __init__(
        self,
        folder: Location | None,
        s3_client: Callable[[], "S3Client"],
        connection: ProjectConnection | None = None,
        urls: Iterable[str] = (),
    ) -> None:
        self._finder = folder.finder(map(image_paths, urls)) if folder else None
        self._make_s3_client, self._connection = s3_client, connection
        self._s3_client: S3Client | None = None
        self._closed_buckets: dict[str, Exception] = {}
        self._lock = threading.Lock()

    def __call__(self, url: str, into: Path) -> Path:
        """Fetch an image into the folder `into`, or find it in the folder of images.

        Returns:
            The image's file.

        Raises:
            RejectedError: The image cannot be fetched. The URL is in the message.
            LabelStudioError: Label Studio itself does not answer. That says nothing about the image, and a run that
                went on would lose all images that are still to come. For the same reason an S3 server that does not
                answer raises botocore's error.
        """
        if is_inline(url):
            return write_inline(url, into / "fetched")
        if file := self._find(url, into):
            return file
        try:
            self._fetch(url, into / "fetched")
        except Exception as error:  # of any kind: one URL that a person typed must not end the run
            if is_down(error):
                raise
            raise RejectedError("missing_image", self._missing(url, error)) from None  # it shows the whole URL
        return into / "fetched"

    def _find(self, url: str, into: Path) -> Path | None:
        try:
            return self._finder.find(image_paths(url), into) if self._finder else None
        except AmbiguousFileError as error:
            todo = "rename all but one in LABEL_STUDIO_IMAGES, or keep them in the folders that their URLs have"
            raise RejectedError("ambiguous_image", f"{shown_url(url)}: {error}: {todo}") from error

    def _missing(self, url: str, error: Exception) -> str:
        passed_over = self._finder.passed_over(image_paths(url))[:3] if self._finder else []
        hint = f" ({', '.join(passed_over)} may be another image, by the folder)" if passed_over else ""
        return shown_text(f"{url}: {error}: set LABEL_STUDIO_IMAGES to where it is{hint}", url)

    def _fetch(self, url: str, into: Path) -> None:
        client = self._connection.client if self._connection else None
        if client and (url.startswith("/") or is_own(url, client)):
            write_body(client.request(urljoin(client.url, url), stream=True), into)
            return
        url = storage_uri(url)
        parts = split_url(url)
        if parts.scheme in ("http", "https"):
            with requests.get(url, stream=True, timeout=TIMEOUT_S) as response:
                response.raise_for_status()
                write_body(response, into)
        elif parts.scheme == "s3":  # a key is taken to the letter
            self._fetch_from_bucket(parts.host, f"{parts.path}{parts.query}"[1:], url, into)
        elif parts.scheme:
            self._fetch_through_label_studio(url, into)
        else:
            raise OSError("not found by its name, and neither an s3:// nor an http:// URL")

    def _fetch_from_bucket(self, bucket: str, key: str, url: str, into: Path) -> None:
        try:
            if bucket in self._closed_buckets:
                raise self._closed_buckets[bucket]
            self._download(bucket, key, into)
        except (BotoCoreError, ClientError) as error:
            if is_down(error):
                raise
            if not is_missing_key(error):
                self._closed_buckets[bucket] = error  # asked once: looking for credentials takes seconds
            try:
                self._fetch_through_label_studio(url, into)
            except OSError as second_error:
                raise OSError(f"{error}; {second_error}") from error

    def _download(self, bucket: str, key: str, into: Path) -> None:
        for left in reversed(range(TRIES)):
            try:
                write_blocks(self._get_s3_client().get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(BLOCK), into)
                return
            except (ResponseStreamingError, ReadTimeoutError, IncompleteReadError):
                if not left:
                    raise

    def _fetch_through_label_studio(self, url: str, into: Path) -> None:
        if VERSION in url:  # Label Studio would give the newest
            raise OSError(NO_VERSIONS)
        if not self._connection or not self._connection.wanted:
            raise OSError("set LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY and LABEL_STUDIO_PROJECT to have it from there")
        client, project = self._connection.client, self._connection.project.id
        encoded = base64.urlsafe_b64encode(url.encode()).decode()
        address = urljoin(client.url, f"projects/{project}/resolve/")
        write_body(client.request(address, [("fileuri", encoded)], stream=True), into)

    def _get_s3_client(self) -> "S3Client":
        with self._lock:  # several threads may use an S3 client, but only one may make it
            if self._s3_client is None:
                self._s3_client = self._make_s3_client()
            return self._s3_client


def write_inline(url: str, into: Path) -> Path:
    """Write an image that stands in its task to a file, and return the file.

    Raises:
        RejectedError: It cannot be decoded.
    """
    try:
        write_blocks([inline_image(url)], into)
    except (OSError, ValueError) as error:
        raise RejectedError("unreadable_image", f"{shown_url(url)}: {error}: import the image again") from error
    return into


def write_body(response: requests.Response, into: Path) -> None:
    """Write the body of a streamed response to a file. OSError as `write_blocks`."""
    with response:
        write_blocks(response.iter_content(BLOCK), into)


def write_blocks(blocks: Iterable[bytes], into: Path) -> None:
    """Write blocks of bytes to a file.

    Raises:
        OSError: They are larger than an image should be.
    """
    total = 0
    with into.open("wb") as file:
        for block in blocks:
            total += len(block)
            if total > MAX_BYTES:
                raise OSError(f"more than {MAX_BYTES // 10**6} MB: that is no image")
            file.write(block)
