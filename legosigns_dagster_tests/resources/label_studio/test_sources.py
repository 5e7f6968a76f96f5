"""API, sink and export of one real project, with every hard case that people leave behind."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.ingestion.incremental import extract_dataset
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.resources.label_studio.api import ApiSource
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.label_studio.project import ProjectConnection
from legosigns_dagster.resources.label_studio.sources import AnnotationSource, ExportSource, SinkSource
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster_tests.support.builders import CLASSES, region, write_image
from legosigns_dagster_tests.support.label_studio_project import LabelStudioProject, digest
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.servers import S3Server

pytestmark = pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")

POLYGON = {"points": [[0, 0], [9, 0], [9, 9]], "polygonlabels": ["SpeedLimit"]}


@dataclass
class Site:
    """A project whose images are in a bucket, and the three sources that read it.

    Attributes:
        project: The project.
        s3: The server of both buckets.
        bucket: The bucket of the images.
        sink_bucket: The bucket of the project's target storage.
        cases: The id of each task, by what is hard about it.
    """

    project: LabelStudioProject
    s3: S3Server
    bucket: str
    sink_bucket: str
    cases: dict[str, str]

    def source(self, kind: str, folder: Path) -> AnnotationSource:
        if kind == "api":
            return ApiSource(self.project.connection(), CLASSES, SILENT)
        if kind == "sink":
            where = Location(f"s3://{self.sink_bucket}/", "LABEL_STUDIO_SINK", self.s3.client)
            return SinkSource(where, self.project.id)
        file = self.project.write_export(folder / "export.json")
        return ExportSource(Location(str(file), "LABEL_STUDIO_EXPORT", self.s3.client))

    def dataset(self, kind: str, folder: Path, fetch: ImageFetcher | None = None) -> Dataset:
        work = folder / f"{kind}-{len(list(folder.iterdir()))}"
        (downloads := work / "downloads").mkdir(parents=True)
        extraction = self.source(kind, folder).extract(downloads)
        fetch = fetch or ImageFetcher(None, self.s3.client, self.project.connection())
        recipe = Recipe(CLASSES, label_studio_url=self.project.labels.url)
        dataset = extract_dataset(extraction, None, fetch, recipe, work / "dataset", SILENT)
        dataset.save()
        return dataset


@pytest.fixture(scope="module")
def site(labels_server: Any, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    project = LabelStudioProject(labels_server, folder).create(HARD_CONFIG, "hard")
    client = s3_server.client()
    for bucket in ("hard-images", "hard-sink"):
        client.create_bucket(Bucket=bucket)

    def put(name: str, content: bytes | None = None, seed: int = 0) -> str:
        file = write_image(folder / "image.jpg", seed=seed or len(cases) + 1)
        client.put_object(Bucket="hard-images", Key=name, Body=content or file.read_bytes())
        return f"s3://hard-images/{name}"

    cases: dict[str, str] = {}

    def case(what: str, *annotations: dict[str, Any], name: str = "", image: str = "", **more: Any) -> None:
        cases[what] = project.add_task(image or put(name or f"{len(cases)}.jpg", **more), *annotations)

    one = {"result": [region()]}
    case("plain", one)
    case("no sign", {"result": []})
    case("never annotated")
    case("skipped", {"result": [region()], "was_cancelled": True})
    case("two annotations", {"result": [region()]}, {"result": []})
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
    sink = project.add_storage("export/s3", s3_server, "hard-sink", can_delete_objects=False)
    project.synchronize(sink)
    return Site(project, s3_server, "hard-images", "hard-sink", cases)


HARD_CONFIG = """<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">
<Label value="DangerAhead"/><Label value="SpeedLimit"/></RectangleLabels>
<PolygonLabels name="outline" toName="image"><Label value="SpeedLimit"/></PolygonLabels></View>"""
REASONS = {
    "never annotated": "unlabeled",
    "skipped": "skipped",
    "two annotations": "superseded",
    "ground truth": "superseded",
    "no width": "empty_box",
    "unknown class": "unknown_class",
    "no class": "no_class",
    "polygon beside": "sign_not_a_box:polygonlabels",
    "other size": "other_size",
    "same image": "other_boxes",
    "missing": "missing_image",
    "no such bucket": "missing_image",
    "not an image": "unreadable_image",
    "cut off": "unreadable_image",
    "100 megapixels": "unreadable_image",
    "200 megapixels": "unreadable_image",
    "local path": "missing_image",
}
LOST = {"never annotated", "skipped", "no width", "polygon beside", "unknown class", "other size", "same image",
        "missing", "no such bucket", "not an image", "cut off", "100 megapixels", "200 megapixels",
        "local path"}  # fmt: skip


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
    assert link == f"{site.project.labels.url}/projects/{site.project.id}/data?task={site.cases['missing']}"
    assert sorted(path.parent.name for path in dataset.folder.rglob("*.jpg")) == ["images"] * len(dataset.images)


def test_api_sink_and_export_give_the_same_dataset(site: Site, tmp_path: Path) -> None:
    digests = {kind: digest(site.dataset(kind, tmp_path)) for kind in ("api", "sink", "export")}
    assert len(set(digests.values())) == 1, digests


def test_images_come_through_label_studio_where_the_bucket_is_closed_to_us(site: Site, tmp_path: Path) -> None:
    site.project.add_storage("s3/", site.s3, site.bucket, use_blob_urls=True, presign=True, presign_ttl=1)

    def other_keys() -> Any:
        import boto3

        return boto3.client("s3", endpoint_url=site.s3.endpoint, aws_access_key_id="somebody",
                            aws_secret_access_key="else", region_name="us-east-1")  # fmt: skip

    through = ImageFetcher(None, other_keys, site.project.connection())
    assert digest(site.dataset("api", tmp_path, through)) == digest(site.dataset("api", tmp_path))
    closed = site.dataset("export", tmp_path, ImageFetcher(None, site.s3.client))
    row = closed.quarantine.set_index("task").loc[site.cases["missing"]]
    assert "NoSuchKey" in row["detail"]
    assert "set LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY and LABEL_STUDIO_PROJECT" in row["detail"]


def test_a_signed_address_is_not_written_into_the_quarantine(site: Site, tmp_path: Path) -> None:
    dataset = site.dataset("api", tmp_path)
    assert not dataset.quarantine["detail"].str.contains("Signature|X-Amz").any()


def test_a_sink_is_reconciled_with_label_studio(
    project: LabelStudioProject, s3_server: S3Server, bucket: str, tmp_path: Path
) -> None:
    sink = project.add_storage("export/s3", s3_server, bucket, can_delete_objects=False)
    project.synchronize(sink)
    tasks = project.tasks()
    deleted = project.first_annotation(tasks[1])
    project.labels.call("DELETE", f"annotations/{deleted}/")
    missing = project.first_annotation(tasks[2])
    s3_server.client().delete_object(Bucket=bucket, Key=missing)

    def extract(name: str, connection: ProjectConnection | None) -> Dataset:
        (folder := tmp_path / name).mkdir()
        where = Location(f"s3://{bucket}/", "LABEL_STUDIO_SINK", s3_server.client)
        return project.make_dataset(SinkSource(where, project.id, connection).extract(folder / "sink"), None, folder)

    alone = extract("alone", None)
    reconciled = extract("reconciled", project.connection())
    rows = [(row.reason, row.task, row.annotation) for row in reconciled.quarantine.itertuples()]
    assert rows == [("not_in_label_studio", tasks[1], deleted), ("not_in_sink", tasks[2], missing)]
    assert f"/projects/{project.id}/data?task={tasks[2]}" in reconciled.quarantine["link"][1]
    assert tasks[1] in alone.sources["task"].tolist()
    assert set(reconciled.sources["task"]) == set(tasks) - {tasks[1], tasks[2]}
