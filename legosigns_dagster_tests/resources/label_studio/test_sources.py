"""API, sink and export of one real project, with every hard case that people leave behind."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.ingestion.incremental import extract_dataset
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.resources.label_studio.api import Api
from legosigns_dagster.resources.label_studio.client import LabelStudioServer
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.label_studio.sources import AnnotationSource, Export, Sink
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster_tests.support.builders import CLASSES, region, write_image
from legosigns_dagster_tests.support.label_studio_team import Team, digest
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.servers import S3Server

pytestmark = pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")

POLYGON = {"points": [[0, 0], [9, 0], [9, 9]], "polygonlabels": ["SpeedLimit"]}


@dataclass
class Site:
    """The project, its images in a bucket, and its three ways out; `cases` are task ids by what is hard about them."""

    team: Team
    s3: S3Server
    bucket: str
    sink_bucket: str
    sink: str
    cases: dict[str, str]

    def server(self) -> LabelStudioServer:
        return LabelStudioServer(self.team.labels.url, self.team.labels.personal_token)

    def source(self, kind: str, folder: Path, **options: Any) -> AnnotationSource:
        if kind == "api":
            return Api(self.server, self.team.project, CLASSES, SILENT)
        if kind == "sink":
            where = Location(f"s3://{self.sink_bucket}/", "LABEL_STUDIO_SINK", self.s3.client)
            return Sink(where, self.team.project, **options)
        file = self.team.exported(folder / "export.json")
        return Export(Location(str(file), "LABEL_STUDIO_EXPORT", self.s3.client))

    def dataset(self, kind: str, folder: Path, fetch: ImageFetcher | None = None, **options: Any) -> Dataset:
        made = folder / f"{kind}-{len(list(folder.iterdir()))}"
        (downloads := made / "downloads").mkdir(parents=True)
        extraction = self.source(kind, folder, **options).extract(downloads)
        fetch = fetch or ImageFetcher(None, self.s3.client, self.server(), lambda: self.team.project)
        recipe = Recipe(CLASSES, label_studio_url=self.team.labels.url)
        dataset = extract_dataset(extraction, None, fetch, recipe, made / "dataset", SILENT)
        dataset.save()
        return dataset


@pytest.fixture(scope="module")
def site(labels_server: Any, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    team = Team(labels_server, folder)
    team.project = str(labels_server.call("POST", "projects/", {"title": "hard", "label_config": HARD_CONFIG})["id"])
    client = s3_server.client()
    for bucket in ("hard-images", "hard-sink"):
        client.create_bucket(Bucket=bucket)

    def put(name: str, content: bytes | None = None, seed: int = 0) -> str:
        file = write_image(folder / "image.jpg", seed=seed or len(cases) + 1)
        client.put_object(Bucket="hard-images", Key=name, Body=content or file.read_bytes())
        return f"s3://hard-images/{name}"

    cases: dict[str, str] = {}

    def case(what: str, *answers: dict[str, Any], name: str = "", image: str = "", **more: Any) -> None:
        cases[what] = team.ask(image or put(name or f"{len(cases)}.jpg", **more), *answers)

    one = {"result": [region()]}
    case("plain", one)
    case("no sign", {"result": []})
    case("never annotated")
    case("skipped", {"result": [region()], "was_cancelled": True})
    case("two answers", {"result": [region()]}, {"result": []})
    case("ground truth", {"result": [region()], "ground_truth": True}, {"result": []})
    case("rotated", {"result": [region(value={"rotation": 30})]})
    case("over the edge", {"result": [region(-5, 90, 20, 20)]})
    case("no width", {"result": [region(width=0), region(0, 0, 10, 10, id="r2")]})
    case("unknown class", {"result": [region(value={"rectanglelabels": ["Stop"]}), region(id="r2")]})
    case("two classes", {"result": [region(value={"rectanglelabels": [*CLASSES.names]})]})
    case("no class", {"result": [region(value={"rectanglelabels": []}), region(0, 0, 10, 10, id="r2")]})
    case("polygon beside", {"result": [region(type="polygonlabels", from_name="outline", value=POLYGON), region()]})
    case("other size", {"result": [region(original_width=48, original_height=64)]})
    case("same image", one, seed=77)
    case("same image again", {"result": []}, seed=77)
    case("same name", one, name="sub/0.jpg")
    case("another alphabet", one, name="знак é ü.jpg")
    case("climbing name", one, name="a/..%2F..%2Fetc.jpg")
    case("missing", one, image="s3://hard-images/nowhere.jpg")
    case("no such bucket", one, image="s3://no-such-bucket/a.jpg")
    case("not an image", one, content=b"<html>moved</html>")
    case("cut off", one, content=write_image(folder / "cut.jpg", seed=5).read_bytes()[:900])
    for megapixels in (100, 200):  # Pillow itself warns of the one and refuses the other
        Image.new("1", (10_000, megapixels * 100)).save(folder / "huge.png")
        content = (folder / "huge.png").read_bytes()
        case(f"{megapixels} megapixels", one, name=f"{megapixels}.png", content=content)
    case("local path", one, image="/etc/passwd")
    sink = team.storage("export/s3", s3_server, "hard-sink", can_delete_objects=False)
    team.synchronize(sink)
    return Site(team, s3_server, "hard-images", "hard-sink", sink, cases)


HARD_CONFIG = """<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">
<Label value="DangerAhead"/><Label value="SpeedLimit"/></RectangleLabels>
<PolygonLabels name="outline" toName="image"><Label value="SpeedLimit"/></PolygonLabels></View>"""
REASONS = {
    "never annotated": "unlabeled",
    "skipped": "skipped",
    "two answers": "superseded",
    "ground truth": "superseded",
    "no width": "empty_box",
    "unknown class": "unknown_class",
    "no class": "no_class",
    "polygon beside": "not_a_box:polygonlabels",
    "other size": "other_size",
    "same image": "same_image",
    "missing": "missing_image",
    "no such bucket": "missing_image",
    "not an image": "unreadable_image",
    "cut off": "unreadable_image",
    "100 megapixels": "unreadable_image",
    "200 megapixels": "unreadable_image",
    "local path": "missing_image",
}
LOST = {"never annotated", "skipped", "unknown class", "other size", "same image", "missing", "no such bucket",
        "not an image", "cut off", "100 megapixels", "200 megapixels", "local path"}  # fmt: skip


def test_every_hard_case_is_used_or_stands_in_the_quarantine_with_a_link_to_its_task(
    site: Site, tmp_path: Path
) -> None:
    dataset = site.dataset("api", tmp_path)
    names = {task: name for name, task in site.cases.items()}
    assert {names[row.task]: row.reason for row in dataset.quarantine.itertuples()} == REASONS
    assert {names[task] for task in dataset.sources["task"]} == set(site.cases) - LOST
    assert {names[row.task]: row.reason for row in dataset.adjustments.itertuples()} == {
        "rotated": "rotated",
        "over the edge": "clipped",
        "two classes": "two_classes",
    }
    link = dataset.quarantine.set_index("task")["link"][site.cases["missing"]]
    assert link == f"{site.team.labels.url}/projects/{site.team.project}/data?task={site.cases['missing']}"
    assert sorted(path.parent.name for path in dataset.folder.rglob("*.jpg")) == ["images"] * len(dataset.images)


def test_api_sink_and_export_give_the_same_dataset(site: Site, tmp_path: Path) -> None:
    digests = {kind: digest(site.dataset(kind, tmp_path)) for kind in ("api", "sink", "export")}
    assert len(set(digests.values())) == 1, digests


def test_images_come_through_label_studio_where_the_bucket_is_closed_to_us(site: Site, tmp_path: Path) -> None:
    site.team.storage("s3/", site.s3, site.bucket, use_blob_urls=True, presign=True, presign_ttl=1)

    def other_keys() -> Any:
        import boto3

        return boto3.client("s3", endpoint_url=site.s3.endpoint, aws_access_key_id="somebody",
                            aws_secret_access_key="else", region_name="us-east-1")  # fmt: skip

    through = ImageFetcher(None, other_keys, site.server(), lambda: site.team.project)
    assert digest(site.dataset("api", tmp_path, through)) == digest(site.dataset("api", tmp_path))
    closed = site.dataset("export", tmp_path, ImageFetcher(None, site.s3.client, None, None))
    row = closed.quarantine.set_index("task").loc[site.cases["missing"]]
    assert "NoSuchKey" in row["detail"]
    assert "set LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY and LABEL_STUDIO_PROJECT" in row["detail"]


def test_a_signed_address_is_not_written_into_the_quarantine(site: Site, tmp_path: Path) -> None:
    dataset = site.dataset("api", tmp_path)
    assert not dataset.quarantine["detail"].str.contains("Signature|X-Amz").any()


def test_a_sink_is_reconciled_with_label_studio(team: Team, s3_server: S3Server, bucket: str, tmp_path: Path) -> None:
    sink = team.storage("export/s3", s3_server, bucket, can_delete_objects=False)
    team.synchronize(sink)
    tasks = team.tasks()
    deleted = team.labels.call("GET", f"tasks/{tasks[1]}/annotations/")[0]["id"]
    team.labels.call("DELETE", f"annotations/{deleted}/")
    missing = team.labels.call("GET", f"tasks/{tasks[2]}/annotations/")[0]["id"]
    s3_server.client().delete_object(Bucket=bucket, Key=str(missing))

    def made(name: str, server: Callable[[], LabelStudioServer] | None) -> Dataset:
        (folder := tmp_path / name).mkdir()
        where = Location(f"s3://{bucket}/", "LABEL_STUDIO_SINK", s3_server.client)
        return team.made(Sink(where, team.project, server).extract(folder / "sink"), None, folder)

    alone = made("alone", None)
    asked = made("asked", lambda: LabelStudioServer(team.labels.url, team.labels.personal_token))
    rows = [(row.reason, row.task, row.annotation) for row in asked.quarantine.itertuples()]
    assert rows == [("not_in_label_studio", tasks[1], str(deleted)), ("not_in_sink", tasks[2], str(missing))]
    assert f"/projects/{team.project}/data?task={tasks[2]}" in asked.quarantine["link"][1]
    assert tasks[1] in alone.sources["task"].tolist()
    assert set(asked.sources["task"]) == set(tasks) - {tasks[1], tasks[2]}
