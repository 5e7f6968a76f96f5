"""Servers that stop, keys that end and people who go on annotating, in the middle of an extraction."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionError, HTTPClientError

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.resources.label_studio import client
from legosigns_dagster.resources.label_studio.api import ApiSource
from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.errors import LabelStudioError
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster_tests.support.builders import CLASSES, region, write_image
from legosigns_dagster_tests.support.label_studio_project import IMAGES, LabelStudioProject, digest
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.servers import S3Server, label_studio, label_studio_process, seaweedfs, stop


@pytest.fixture(autouse=True)
def two_tasks_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CHUNK", 2)


class InterruptedClient(LabelStudioClient):
    """A client that calls a function once, after the first tasks of an export have come."""

    def __init__(self, project: LabelStudioProject, interrupt: Callable[["InterruptedClient"], object]) -> None:
        super().__init__(project.labels.url, project.labels.personal_token, sleep=lambda _: None)
        self.interrupt: Callable[[InterruptedClient], object] | None = interrupt

    def export(self, project: str, ids: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        for chunk in super().export(project, ids):
            yield chunk
            if self.interrupt:
                interrupt, self.interrupt = self.interrupt, None
                interrupt(self)


def test_a_task_that_is_edited_during_the_export_arrives_as_it_is_in_the_end(project: LabelStudioProject) -> None:
    first, *_, last = project.tasks()
    added: list[str] = []

    def edit(_: LabelStudioClient) -> None:
        project.change_annotation(first, [])
        project.labels.call("DELETE", f"tasks/{last}/")
        added.append(project.add_image(50, {"result": [region()]}))

    dataset = project.extract("during", None, InterruptedClient(project, edit))
    assert set(dataset.sources["task"]) == {*project.tasks()} >= {*added}
    assert digest(dataset) == digest(project.extract("after", None))


def test_a_token_that_ends_during_the_export_is_renewed(project: LabelStudioProject) -> None:
    ended: list[str] = []

    def end(client: InterruptedClient) -> None:
        client.key._access_token = "an.ended.token"
        ended.append(client.key.header()["Authorization"])

    dataset = project.extract("during", None, InterruptedClient(project, end))
    assert ended == ["Bearer an.ended.token"]
    assert len(dataset.images) == IMAGES


def test_a_label_studio_that_stops_during_the_export_is_an_error_and_the_next_run_is_whole(tmp_path: Path) -> None:
    with label_studio(tmp_path) as labels:
        project = LabelStudioProject(labels, tmp_path / "project").create().add_annotated_images()
        whole = digest(project.extract("whole", None))
        client = InterruptedClient(project, lambda _: stop(labels.process))
        with pytest.raises(LabelStudioError, match="did not answer in 5 tries.*is Label Studio running"):
            project.extract("stopped", None, client)
    with label_studio_process(tmp_path / "data") as (url, _):
        again = LabelStudioClient(url, labels.legacy_token)
        assert digest(project.extract("again", None, again)) == whole


@pytest.mark.parametrize("after", range(IMAGES))
def test_interrupted_after_any_image_the_next_run_gives_the_same_dataset(
    project: LabelStudioProject, after: int
) -> None:
    first = project.extract("first", None)
    project.change_annotation(project.tasks()[0], [])
    whole = project.extract("whole", first)

    class Interrupted(LabelStudioProject):
        def fetch(self, url: str, into: Path) -> Path:
            if len(self.fetched) == after:
                raise KeyboardInterrupt
            return super().fetch(url, into)

    with pytest.raises(KeyboardInterrupt):
        Interrupted(project.labels, project.folder, project.id).extract("interrupted", None)
    assert digest(project.extract("again", first)) == digest(project.extract("scratch", None)) == digest(whole)


def test_an_s3_that_stops_during_the_download_is_an_error_that_names_it_and_the_next_run_is_whole(
    project: LabelStudioProject, tmp_path: Path
) -> None:
    for number in range(IMAGES):
        project.labels.call("DELETE", f"tasks/{project.tasks()[0]}/")
        project.add_task(f"s3://images/{number}.jpg", {"result": [region()]})
    (data := tmp_path / "seaweedfs").mkdir()
    with seaweedfs(data) as s3:
        s3.client().create_bucket(Bucket="images")
        for number in range(IMAGES):
            file = write_image(tmp_path / "image.jpg", seed=number)
            s3.client().upload_file(str(file), "images", f"{number}.jpg")
        whole = digest(extract_with_images_from_s3(project, s3, "whole"))
        with pytest.raises((ConnectionError, HTTPClientError), match=s3.endpoint):
            extract_with_images_from_s3(project, s3, "stopped", stop_after=2)
    with seaweedfs(data) as restarted:
        assert digest(extract_with_images_from_s3(project, restarted, "again")) == whole


def extract_with_images_from_s3(
    project: LabelStudioProject, s3: S3Server, name: str, stop_after: int = 1000
) -> Dataset:
    """The project's dataset with images from S3, which is stopped after some of them."""

    def s3_client() -> Any:
        keys = {"aws_access_key_id": s3.access_key, "aws_secret_access_key": s3.secret_key}
        no_retries = Config(retries={"total_max_attempts": 1})
        return boto3.client("s3", endpoint_url=s3.endpoint, region_name="us-east-1", config=no_retries, **keys)  # type: ignore[call-overload]

    fetcher = ImageFetcher(None, s3_client)
    urls: list[str] = []

    def fetch(url: str, into: Path) -> Path:
        urls.append(url)
        if len(urls) > stop_after and s3.process:
            stop(s3.process)
        return fetcher(url, into)

    (into := project.folder / name).mkdir()
    extraction = ApiSource(project.connection(), CLASSES, SILENT).extract(into)
    return project.make_dataset(extraction, None, into, fetch)
