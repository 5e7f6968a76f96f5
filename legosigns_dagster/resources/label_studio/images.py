"""How the image of a task is had, whatever kind its URL is of."""

import base64
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from legosigns_dagster.core.dataset.quarantine import RejectedError
from legosigns_dagster.core.ingestion.fetched_images import image_name
from legosigns_dagster.resources.label_studio.client import LabelStudioClient, LabelStudioError
from legosigns_dagster.resources.storage.locations import Location

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TIMEOUT_S = (5, 60)
BLOCK = 1 << 20
TRIES = 3  # for a body that breaks off; requests themselves are tried again by the clients
MAX_BYTES = 200_000_000  # an image file; without a bound a wrong URL fills the pod's disk


class ImageFetcher:
    """Puts a task's image into a folder: by name from `folder` where one is set, else from its URL. Used by threads.

    A path without a host, and an address of the server's own, is asked of the `server`, to which alone its key goes. An
    `s3://` image comes from its bucket where that is open to us, and otherwise, as images in any other storage do,
    through the server, which has keys of its own; `project` gives the id of the project that it belongs to.
    """

    def __init__(
        self,
        folder: Location | None,
        client: Callable[[], "S3Client"],
        server: LabelStudioClient | None = None,
        project: Callable[[], str] | None = None,
    ) -> None:
        self._find = folder.finder() if folder else None
        self._make_client, self._server, self._make_project = client, server, project
        self._closed: dict[str, Exception] = {}
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, url: str, into: Path) -> Path:
        """The image's file in folder `into`; RejectedError, naming the URL, when it is nowhere to be had.

        Where the bucket's or Label Studio's server itself does not answer, its error is raised: it says nothing about
        the image, and a run that went on would lose all that are still to come.
        """
        found = self._find(image_name(url), into) if self._find else None
        if found:
            return found
        try:
            self._bring(url, into / "fetched")
        except (OSError, requests.RequestException, BotoCoreError, ClientError, LabelStudioError) as error:
            if is_down(error):
                raise
            raise RejectedError("missing_image", f"{url}: {error}: set LABEL_STUDIO_IMAGES to where it is") from error
        return into / "fetched"

    def _bring(self, url: str, into: Path) -> None:
        scheme = urlsplit(url).scheme
        if self._server and (url.startswith("/") or self._server.is_mine(url)):
            write(self._server.request(urljoin(self._server.url, url), stream=True), into)
        elif scheme in ("http", "https"):
            response = requests.get(url, stream=True, timeout=TIMEOUT_S)
            response.raise_for_status()
            write(response, into)
        elif scheme == "s3":
            self._from_bucket(url, into)
        elif scheme:
            self._through_server(url, into)
        else:
            raise OSError("not found by its name, and neither an s3:// nor an http:// URL")

    def _from_bucket(self, url: str, into: Path) -> None:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        try:
            if bucket in self._closed:
                raise self._closed[bucket]
            self._download(bucket, key, into)
        except (BotoCoreError, ClientError) as error:
            if is_down(error):
                raise
            if not is_missing_key(error):
                self._closed[bucket] = error  # asked once: looking for credentials takes seconds
            try:
                self._through_server(url, into)
            except OSError as other:
                raise OSError(f"{error}; {other}") from error

    def _download(self, bucket: str, key: str, into: Path) -> None:
        client: S3Client = self._once("client", self._make_client)
        for left in reversed(range(TRIES)):
            try:
                write_blocks(client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(BLOCK), into)
                return
            except (ResponseStreamingError, ReadTimeoutError, IncompleteReadError):
                if not left:
                    raise

    def _through_server(self, url: str, into: Path) -> None:
        if not self._server or not self._make_project:
            raise OSError("set LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY and LABEL_STUDIO_PROJECT to have it from there")
        coded = base64.urlsafe_b64encode(url.encode()).decode()
        address = urljoin(self._server.url, f"projects/{self._once('project', self._make_project)}/resolve/")
        write(self._server.request(address, [("fileuri", coded)], stream=True), into)

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        with self._lock:  # making an S3 client is not safe in threads, using one is
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]


def is_down(error: Exception) -> bool:
    """Whether a server itself failed to answer, so that nothing is known about the image."""
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    no_answer = isinstance(error, LabelStudioError) and not error.status
    return no_answer or isinstance(error, HTTPClientError | ConnectionError)


def is_missing_key(error: Exception) -> bool:
    """Whether S3 said that there is no such object, rather than that we may not look."""
    return isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") == "NoSuchKey"


def write(response: requests.Response, into: Path) -> None:
    """Write a streamed answer's body to a file; OSError for one that is larger than any image should be."""
    with response:
        write_blocks(response.iter_content(BLOCK), into)


def write_blocks(blocks: Iterable[bytes], into: Path) -> None:
    """Write blocks to a file, bounded as `write`."""
    total = 0
    with into.open("wb") as file:
        for block in blocks:
            total += len(block)
            if total > MAX_BYTES:
                raise OSError(f"more than {MAX_BYTES // 10**6} MB: that is no image")
            file.write(block)
