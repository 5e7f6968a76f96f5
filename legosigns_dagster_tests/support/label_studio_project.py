"""A project on the real Label Studio server: its annotated images, and the changes that people make."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.quarantine import RejectedError
from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.core.ingestion.fetched_images import Fetch, image_name
from legosigns_dagster.core.ingestion.incremental import Extraction, PreviousVersion, extract_dataset
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.resources.label_studio.api import ApiSource
from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.project import ProjectConnection
from legosigns_dagster_tests.support.builders import CLASSES, region, write_image
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.servers import LabelStudio, S3Server

CONFIG = """<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">
<Label value="DangerAhead"/><Label value="SpeedLimit"/></RectangleLabels></View>"""
IMAGES = 6


class CountingClient(LabelStudioClient):
    """A client that records which tasks were exported."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__(url, key)
        self.exported: list[str] = []

    def export(self, project: str, ids: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        self.exported += ids
        return super().export(project, ids)


@dataclass
class LabelStudioProject:
    """A project on the real server, and what people do with it.

    Attributes:
        labels: The server.
        folder: Where images and datasets are written.
        id: The project's id, empty before it is created.
        fetched: The names of the images that the last extraction fetched.
    """

    labels: LabelStudio
    folder: Path
    id: str = ""
    fetched: list[str] = field(default_factory=list)

    def create(self, config: str = CONFIG, title: str = "") -> "LabelStudioProject":
        """Create the project without tasks."""
        body = {"title": title or f"signs {self.folder.name}", "label_config": config}
        self.id = str(self.labels.call("POST", "projects/", body)["id"])
        return self

    def add_annotated_images(self) -> "LabelStudioProject":
        """Add a few images, each with one annotation."""
        for number in range(IMAGES):
            self.add_image(number, {"result": [region()], "ground_truth": number == 0})
        return self

    def add_image(self, number: int, *annotations: dict[str, Any]) -> str:
        """Write an image and add a task for it; the task's id."""
        write_image(self.folder / "images" / f"{number}.jpg", seed=number)
        return self.add_task(f"https://example.invalid/{number}.jpg", *annotations)

    def add_task(self, url: str, *annotations: dict[str, Any]) -> str:
        """Add a task for an image at any URL, with these annotations; the task's id."""
        path = f"projects/{self.id}/import?return_task_ids=true"
        body = [{"data": {"image": url}, "annotations": list(annotations)}]
        return str(self.labels.call("POST", path, body)["task_ids"][0])

    def change_annotation(self, task: str, result: list[dict[str, Any]]) -> None:
        """Replace the regions of a task's first annotation."""
        self.labels.call("PATCH", f"annotations/{self.first_annotation(task)}/", {"result": result})

    def first_annotation(self, task: str) -> str:
        """The id of a task's first annotation."""
        return str(self.labels.call("GET", f"tasks/{task}/annotations/")[0]["id"])

    def add_storage(self, kind: str, server: S3Server, bucket: str, **options: Any) -> str:
        """Add a storage: where images are (kind `s3/`) or where annotations go (`export/s3`); the storage's id."""
        keys = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key,
                "region_name": "us-east-1", "s3_endpoint": server.endpoint}  # fmt: skip
        body = {"project": self.id, "title": kind, "bucket": bucket, "prefix": ""} | keys | options
        return str(self.labels.call("POST", f"storages/{kind}", body)["id"])

    def synchronize(self, sink: str) -> None:
        """Write all annotations into a target storage."""
        self.labels.call("POST", f"storages/export/s3/{sink}/sync", {})

    def write_export(self, file: Path) -> Path:
        """Write the project's JSON export as a person downloads it."""
        path = f"projects/{self.id}/export?exportType=JSON&download_all_tasks=true"
        file.write_text(json.dumps(self.labels.call("GET", path)))
        return file

    def tasks(self) -> list[str]:
        """The ids of all tasks, in order."""
        listed = self.labels.call("GET", f"tasks/?project={self.id}&fields=task_only&page_size=100")["tasks"]
        return sorted((str(task["id"]) for task in listed), key=int)

    def client(self) -> LabelStudioClient:
        return LabelStudioClient(self.labels.url, self.labels.personal_token)

    def connection(self, client: LabelStudioClient | None = None) -> ProjectConnection:
        return ProjectConnection(client or self.client(), self.id)

    def fetch(self, url: str, into: Path) -> Path:
        """Find an image in the folder by its name."""
        self.fetched.append(image_name(url))
        if not (self.folder / "images" / image_name(url)).exists():
            raise RejectedError("missing_image", url)
        return self.folder / "images" / image_name(url)

    def extract(self, name: str, before: Dataset | None, client: LabelStudioClient | None = None) -> Dataset:
        """A materialization: the dataset in a folder of its own."""
        into = self.folder / name
        into.mkdir()
        self.fetched.clear()
        previous = PreviousVersion.load(before.folder) if before else None
        extraction = ApiSource(self.connection(client), CLASSES, SILENT).extract(into, previous)
        return self.make_dataset(extraction, previous, into)

    def make_dataset(
        self, extraction: Extraction, previous: PreviousVersion | None, into: Path, fetch: Fetch | None = None
    ) -> Dataset:
        dataset = extract_dataset(extraction, previous, fetch or self.fetch, Recipe(CLASSES), into, SILENT)
        dataset.save()
        return dataset


def digest(dataset: Dataset) -> str:
    return folder_digest(index_folder(dataset.folder))
