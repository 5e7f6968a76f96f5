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
from legosigns_dagster.resources.label_studio.api import Api
from legosigns_dagster.resources.label_studio.client import LabelStudioError, LabelStudioServer
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster_tests.support.builders import CLASSES, region, write_image
from legosigns_dagster_tests.support.label_studio_team import IMAGES, Team, digest
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.servers import S3Server, label_studio, label_studio_process, seaweedfs, stop


@pytest.fixture(autouse=True)
def two_tasks_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CHUNK", 2)


class Meanwhile(LabelStudioServer):
    """A server beside which something happens once, after the first tasks of an export have come."""

    def __init__(self, team: Team, happens: Callable[["Meanwhile"], object]) -> None:
        super().__init__(team.labels.url, team.labels.personal_token, sleep=lambda _: None)
        self.happens: Callable[[Meanwhile], object] | None = happens

    def export(self, project: str, ids: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
        for chunk in super().export(project, ids):
            yield chunk
            if self.happens:
                happens, self.happens = self.happens, None
                happens(self)


def test_a_task_that_is_edited_during_the_export_arrives_as_it_is_in_the_end(team: Team) -> None:
    first, *_, last = team.tasks()
    added: list[str] = []

    def edit(_: LabelStudioServer) -> None:
        team.change(first, [])
        team.labels.call("DELETE", f"tasks/{last}/")
        added.append(team.add(50, {"result": [region()]}))

    dataset = team.extract("during", None, Meanwhile(team, edit))
    assert set(dataset.sources["task"]) == {*team.tasks()} >= {*added}
    assert digest(dataset) == digest(team.extract("after", None))


def test_a_token_that_ends_during_the_export_is_renewed(team: Team) -> None:
    ended: list[str] = []

    def end(server: Meanwhile) -> None:
        server.key._access = "an.ended.token"
        ended.append(server.key.header()["Authorization"])

    dataset = team.extract("during", None, Meanwhile(team, end))
    assert ended == ["Bearer an.ended.token"]
    assert len(dataset.images) == IMAGES


def test_a_label_studio_that_stops_during_the_export_is_an_error_and_the_next_run_is_whole(tmp_path: Path) -> None:
    with label_studio(tmp_path) as labels:
        team = Team(labels, tmp_path / "team").start()
        whole = digest(team.extract("whole", None))
        server = Meanwhile(team, lambda _: stop(labels.process))
        with pytest.raises(LabelStudioError, match="did not answer in 5 tries.*is Label Studio running"):
            team.extract("stopped", None, server)
    with label_studio_process(tmp_path / "data") as (url, _):
        again = LabelStudioServer(url, labels.legacy_token)
        assert digest(team.extract("again", None, again)) == whole


@pytest.mark.parametrize("after", range(IMAGES))
def test_interrupted_after_any_image_the_next_run_gives_the_same_dataset(team: Team, after: int) -> None:
    first = team.extract("first", None)
    team.change(team.tasks()[0], [])
    whole = team.extract("whole", first)

    class Interrupted(Team):
        def fetch(self, url: str, into: Path) -> Path:
            if len(self.fetched) == after:
                raise KeyboardInterrupt
            return super().fetch(url, into)

    with pytest.raises(KeyboardInterrupt):
        Interrupted(team.labels, team.folder, team.project).extract("interrupted", None)
    assert digest(team.extract("again", first)) == digest(team.extract("scratch", None)) == digest(whole)


def test_an_s3_that_stops_during_the_download_is_an_error_that_names_it_and_the_next_run_is_whole(
    team: Team, tmp_path: Path
) -> None:
    for number in range(IMAGES):
        team.labels.call("DELETE", f"tasks/{team.tasks()[0]}/")
        team.ask(f"s3://photos/{number}.jpg", {"result": [region()]})
    (data := tmp_path / "seaweedfs").mkdir()
    with seaweedfs(data) as s3:
        s3.client().create_bucket(Bucket="photos")
        for number in range(IMAGES):
            file = write_image(tmp_path / "photo.jpg", seed=number)
            s3.client().upload_file(str(file), "photos", f"{number}.jpg")
        whole = digest(from_bucket(team, s3, "whole"))
        with pytest.raises((ConnectionError, HTTPClientError), match=s3.endpoint):
            from_bucket(team, s3, "stopped", stop_after=2)
    with seaweedfs(data) as restarted:
        assert digest(from_bucket(team, restarted, "again")) == whole


def from_bucket(team: Team, s3: S3Server, name: str, stop_after: int = 1000) -> Dataset:
    """The project's dataset with images from S3, which is stopped after some of them."""

    def client() -> Any:
        keys = {"aws_access_key_id": s3.access_key, "aws_secret_access_key": s3.secret_key}
        impatient = Config(retries={"total_max_attempts": 1})
        return boto3.client("s3", endpoint_url=s3.endpoint, region_name="us-east-1", config=impatient, **keys)  # type: ignore[call-overload]

    bring = ImageFetcher(None, client)
    brought: list[str] = []

    def fetch(url: str, into: Path) -> Path:
        brought.append(url)
        if len(brought) > stop_after and s3.process:
            stop(s3.process)
        return bring(url, into)

    (into := team.folder / name).mkdir()
    server = LabelStudioServer(team.labels.url, team.labels.personal_token)
    extraction = Api(lambda: server, team.project, CLASSES, SILENT).extract(into)
    return team.made(extraction, None, into, fetch)
