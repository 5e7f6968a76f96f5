"""Where annotations come from, and how the images they speak of are had."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urljoin

import requests
from botocore.exceptions import BotoCoreError, ClientError

from legosigns_dagster.core.extraction import Before, Extraction
from legosigns_dagster.core.label_studio import merge_by_task, read_documents
from legosigns_dagster.core.pictures import Fetch, last_part
from legosigns_dagster.core.quarantine import Rejected, Row
from legosigns_dagster.resources.label_studio_server import LabelStudioError, LabelStudioServer
from legosigns_dagster.resources.locations import Location
from legosigns_dagster.resources.object_store import S3ObjectStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TIMEOUT_S = (5, 60)
MAX_BYTES = 200_000_000  # an image file; without a bound a wrong URL fills the pod's disk


class AnnotationSource(Protocol):
    """Tasks with their annotations, and rows for the documents that could not be read."""

    def extract(self, into: Path, before: Before | None = None) -> Extraction:
        """Everything, `into` being an empty folder to download to; `before` may save a source some work."""


@dataclass(frozen=True)
class Sink:
    """Label Studio's target storage: a JSON file for each annotation or task, with any ending or none.

    Several projects may write into one bucket: with `project`, an id, only that one's count.
    """

    location: Location
    project: str = ""

    def extract(self, into: Path, before: Before | None = None) -> Extraction:
        """See `AnnotationSource`; a file that is no annotation becomes a row, the others are unharmed."""
        folder = self.location.bring(into)
        found, rows = [], []
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            try:
                found += read_documents(file.name, file.read_text(encoding="utf-8"))
            except ValueError as error:
                rows.append(Row("unreadable_annotation", f"{error}: export it again", annotation=file.name))
        mine = [task for task in found if not self.project or task.project == self.project]
        return Extraction(merge_by_task(mine), rows)


@dataclass(frozen=True)
class Export:
    """A project's JSON export: one file with a list of tasks."""

    location: Location

    def extract(self, into: Path, before: Before | None = None) -> Extraction:
        """See `AnnotationSource`; ValueError that names the file when it is no export."""
        file = self.location.bring(into)
        if file.is_dir():
            raise ValueError(f"{self.location.variable} is the folder {file}, expected a JSON file")
        return Extraction(merge_by_task(read_documents(str(file), file.read_text(encoding="utf-8"))))


def image_fetcher(
    folder: Location | None, client: Callable[[], "S3Client"], server: LabelStudioServer | None = None
) -> Fetch:
    """A function that puts a task's image into a folder: found by name in `folder` where one is set, else at its URL.

    A path without a host, and an address of the server's own, is asked of the `server`, to which alone its key goes.
    Rejected, naming the URL, when it is neither here nor there.
    """
    find = folder.finder() if folder else None

    def fetch(url: str, into: Path) -> Path:
        found = find(last_part(url), into) if find else None
        if found:
            return found
        try:
            if server and (url.startswith("/") or server.is_mine(url)):
                write(server.request(urljoin(server.url, url), stream=True), into / "fetched")
            else:
                download(url, into / "fetched", client)
        except (OSError, requests.RequestException, BotoCoreError, ClientError, LabelStudioError) as error:
            raise Rejected("missing_image", f"{url}: {error}: set LABEL_STUDIO_IMAGES to where it is") from error
        return into / "fetched"

    return fetch


def download(url: str, into: Path, client: Callable[[], "S3Client"]) -> None:
    """Write what an `s3://` or `http(s)://` URL names to a file; OSError for any other kind of URL."""
    if url.startswith("s3://"):
        bucket, _, key = url.removeprefix("s3://").partition("/")
        S3ObjectStore(client(), bucket).download(key, into)
    elif url.startswith(("http://", "https://")):
        response = requests.get(url, stream=True, timeout=TIMEOUT_S)
        response.raise_for_status()
        write(response, into)
    else:
        raise OSError("not found by its name, and neither an s3:// nor an http:// URL")


def write(response: requests.Response, into: Path) -> None:
    """Write a streamed answer's body to a file; OSError for one that is larger than any image should be."""
    total = 0
    with response, into.open("wb") as file:
        for chunk in response.iter_content(1 << 20):
            total += len(chunk)
            if total > MAX_BYTES:
                raise OSError(f"more than {MAX_BYTES // 10**6} MB: that is no image")
            file.write(chunk)
