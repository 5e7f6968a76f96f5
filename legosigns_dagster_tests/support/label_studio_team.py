"""A Label Studio project with annotated images, and the people who go on annotating."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.quarantine import Rejected
from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.core.ingestion.fetched_images import Fetch, last_part
from legosigns_dagster.core.ingestion.incremental import Before, Extraction, extract_dataset
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.resources.label_studio.api import Api
from legosigns_dagster.resources.label_studio.client import LabelStudioServer
from legosigns_dagster_tests.support.builders import CLASSES, region, write_image
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.servers import LabelStudio, S3Server

CONFIG = """<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">
<Label value="DangerAhead"/><Label value="SpeedLimit"/></RectangleLabels></View>"""
IMAGES = 6


class Counting(LabelStudioServer):
    """A server that notes which tasks were exported."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__(url, key)
        self.exported: list[str] = []

    def export(self, project: str, ids: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        self.exported += ids
        return super().export(project, ids)


@dataclass
class Team:
    """A project with annotated images on the real server, and people who go on annotating."""

    labels: LabelStudio
    folder: Path
    project: str = ""
    fetched: list[str] = field(default_factory=list)

    def start(self) -> "Team":
        title = f"signs {self.folder.name}"
        self.project = str(self.labels.call("POST", "projects/", {"title": title, "label_config": CONFIG})["id"])
        for number in range(IMAGES):
            self.add(number, {"result": [region()], "ground_truth": number == 0})
        return self

    def add(self, number: int, *answers: dict[str, Any]) -> str:
        write_image(self.folder / "images" / f"{number}.jpg", seed=number)
        return self.ask(f"https://example.invalid/{number}.jpg", *answers)

    def ask(self, image: str, *answers: dict[str, Any]) -> str:
        """A task for an image at any URL, with these annotations."""
        path = f"projects/{self.project}/import?return_task_ids=true"
        body = [{"data": {"image": image}, "annotations": list(answers)}]
        return str(self.labels.call("POST", path, body)["task_ids"][0])

    def answer(self, task: str, **answer: Any) -> str:
        """Somebody annotates a task, or skips it with `was_cancelled`."""
        return str(self.labels.call("POST", f"tasks/{task}/annotations/", answer)["id"])

    def change(self, task: str, result: list[dict[str, Any]]) -> None:
        """Somebody annotates a task anew."""
        found = self.labels.call("GET", f"tasks/{task}/annotations/")[0]["id"]
        self.labels.call("PATCH", f"annotations/{found}/", {"result": result})

    def storage(self, kind: str, server: S3Server, bucket: str, **options: Any) -> str:
        """A storage of the project: where images are (kind `s3`) or where annotations go (`export/s3`)."""
        keys = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key,
                "region_name": "us-east-1", "s3_endpoint": server.endpoint}  # fmt: skip
        body = {"project": self.project, "title": kind, "bucket": bucket, "prefix": ""} | keys | options
        return str(self.labels.call("POST", f"storages/{kind}", body)["id"])

    def synchronize(self, sink: str) -> None:
        """Write all annotations into a target storage."""
        self.labels.call("POST", f"storages/export/s3/{sink}/sync", {})

    def exported(self, file: Path) -> Path:
        """The project's JSON export as a person downloads it."""
        path = f"projects/{self.project}/export?exportType=JSON&download_all_tasks=true"
        file.write_text(json.dumps(self.labels.call("GET", path)))
        return file

    def tasks(self) -> list[str]:
        listed = self.labels.call("GET", f"tasks/?project={self.project}&fields=task_only&page_size=100")["tasks"]
        return sorted((str(task["id"]) for task in listed), key=int)

    def fetch(self, url: str, into: Path) -> Path:
        self.fetched.append(last_part(url))
        if not (self.folder / "images" / last_part(url)).exists():
            raise Rejected("missing_image", url)
        return self.folder / "images" / last_part(url)

    def extract(self, name: str, before: Dataset | None, server: LabelStudioServer | None = None) -> Dataset:
        """A materialization: the dataset in a folder of its own."""
        into = self.folder / name
        into.mkdir()
        self.fetched.clear()
        known = Before.load(before.folder) if before else None
        server = server or LabelStudioServer(self.labels.url, self.labels.personal_token)
        extraction = Api(lambda: server, self.project, CLASSES, SILENT).extract(into, known)
        return self.made(extraction, known, into)

    def made(self, extraction: Extraction, known: Before | None, into: Path, fetch: Fetch | None = None) -> Dataset:
        dataset = extract_dataset(extraction, known, fetch or self.fetch, Recipe(CLASSES), into, SILENT)
        dataset.save()
        return dataset


def digest(dataset: Dataset) -> str:
    return folder_digest(index_folder(dataset.folder))
