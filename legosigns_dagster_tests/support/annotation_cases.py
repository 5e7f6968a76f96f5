"""Cases of what people really draw, with the boxes that a person expects."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.ingestion.incremental import extract_dataset
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.label_studio.sources import ExportSource, SinkSource
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster_tests.support.builders import CLASSES, annotation, region, sink_document, write_image
from legosigns_dagster_tests.support.logs import SILENT

Box = tuple[Any, ...]  # class name, left, top, right, bottom


BoxesByImage = dict[str, list[Box]]
WHOLE = (16.0, 12.0, 48.0, 36.0)  # builders.region() on 64x48 pixels
SPEED: Box = ("SpeedLimit", *WHOLE)
DANGER: Box = ("DangerAhead", *WHOLE)
CORNER: Box = ("SpeedLimit", 0.0, 0.0, 6.4, 4.8)


def corner(**changes: Any) -> dict[str, Any]:
    """A small region in the corner, whose box is CORNER."""
    return region(0, 0, 10, 10, id="r2", **changes)


def danger() -> dict[str, Any]:
    """A region whose box is DANGER."""
    return region(value={"rectanglelabels": ["DangerAhead"]})


@dataclass(frozen=True)
class Case:
    """What people drew, and the boxes that a person expects.

    Attributes:
        name: What is special about it.
        annotations: The annotations of each image's task, by the image's name.
        expected: The boxes of each image that is used, in pixels.
        damage: What is wrong with an image: "same" for two images with the same pixels, "missing", "truncated" or
            "turned" by EXIF. "sink" writes a target storage in the place of an export.
    """

    name: str
    annotations: Mapping[str, Sequence[dict[str, Any]]]
    expected: BoxesByImage
    damage: str = ""


OUTLINE = region(type="polygonlabels", from_name="outline") | {
    "value": {"points": [[0, 0], [9, 0], [9, 9]], "polygonlabels": ["SpeedLimit"]}
}


DAY = region(type="choices", from_name="light") | {"value": {"choices": ["day"]}}


CASES = [
    Case("a plain rectangle", {"a.jpg": [annotation(region())]}, {"a.jpg": [SPEED]}),
    Case("submitted without a box: no sign", {"a.jpg": [annotation()]}, {"a.jpg": []}),
    Case("nobody annotated it: not the same as no sign", {"a.jpg": []}, {}),
    Case("only skipped", {"a.jpg": [annotation(region(), was_cancelled=True)]}, {}),
    Case("two annotations: the latest", {"a.jpg": [annotation(region(), id=1), annotation(danger(), id=2)]},
         {"a.jpg": [DANGER]}),
    Case("two annotations, one is the ground truth",
         {"a.jpg": [annotation(danger(), id=1, ground_truth=True), annotation(region(), id=2)]}, {"a.jpg": [DANGER]}),
    Case("two annotations, the latest is empty", {"a.jpg": [annotation(region(), id=1), annotation(id=2)]},
         {"a.jpg": []}),
    Case("the result is null", {"a.jpg": [annotation() | {"result": None}]}, {"a.jpg": []}),
    Case("two annotations: the latest by its clock, not by its text",
         {"a.jpg": [annotation(danger(), id=1, updated_at="2026-01-01T23:30:00+02:00"),
                    annotation(region(), id=2, updated_at="2026-01-01T22:00:00Z")]}, {"a.jpg": [SPEED]}),
    Case("the same rectangle twice, from two controls (label-studio 3706)",
         {"a.jpg": [annotation(region(), region(from_name="other"), region(id="copy"))]}, {"a.jpg": [SPEED]}),
    Case("rotated by 90 degrees: its envelope", {"a.jpg": [annotation(region(50, 25, 50, 50, value={"rotation": 90}))]},
         {"a.jpg": [("SpeedLimit", 8.0, 12.0, 32.0, 44.0)]}),
    Case("over the edge: clipped", {"a.jpg": [annotation(region(75, 25, 50, 50))]},
         {"a.jpg": [("SpeedLimit", 48.0, 12.0, 64.0, 36.0)]}),
    Case("without width, beside a good one: its sign would become background",
         {"a.jpg": [annotation(region(width=0), corner())]}, {}),
    Case("NaN, beside a good one: its sign would become background",
         {"a.jpg": [annotation(region(x=float("nan")), corner())]}, {}),
    Case("an unknown class", {"a.jpg": [annotation(region(value={"rectanglelabels": ["Stop"]}), corner())]}, {}),
    Case("no class, beside a good one", {"a.jpg": [annotation(region(value={"rectanglelabels": []}), corner())]},
         {"a.jpg": [CORNER]}),
    Case("two classes on one rectangle",
         {"a.jpg": [annotation(region(value={"rectanglelabels": ["SpeedLimit", "DangerAhead"]}))]},
         {"a.jpg": [DANGER, SPEED]}),
    Case("a polygon beside a rectangle",
         {"a.jpg": [annotation(OUTLINE, corner())]},
         {"a.jpg": [CORNER]}),
    Case("a choice beside a rectangle",
         {"a.jpg": [annotation(DAY, corner())]},
         {"a.jpg": [CORNER]}),
    Case("drawn on an image of another shape",
         {"a.jpg": [annotation(region(original_width=48, original_height=64))]}, {}),
    Case("the same image in two tasks", {"a.jpg": [annotation(region(), id=1)], "b.jpg": [annotation(id=2)]},
         {"b.jpg": []}, "same"),
    Case("the same name in two folders",
         {"x/a.jpg": [annotation(region(), id=1)], "y/a.jpg": [annotation(danger(), id=2)]},
         {"x/a.jpg": [SPEED], "y/a.jpg": [DANGER]}),
    Case("a.jpg beside a.jpeg", {"a.jpg": [annotation(region(), id=1)], "a.jpeg": [annotation(danger(), id=2)]},
         {"a.jpg": [SPEED], "a.jpeg": [DANGER]}),
    Case("a name in another alphabet", {"знак é.jpg": [annotation(region())]}, {"знак é.jpg": [SPEED]}),
    Case("the image is missing", {"a.jpg": [annotation(region())]}, {}, "missing"),
    Case("the image is cut off", {"a.jpg": [annotation(region())]}, {}, "truncated"),
    Case("turned by EXIF: stored upright", {"a.jpg": [annotation(region(original_width=48, original_height=64))]},
         {"a.jpg": [("SpeedLimit", 12.0, 16.0, 36.0, 48.0)]}, "turned"),
    Case("files of a target storage", {"a.jpg": [annotation(region())]}, {"a.jpg": [SPEED]}, "sink"),
]  # fmt: skip


def write_case(case: Case, folder: Path) -> None:
    """Write the case as an export (or a sink) with its images, beside a plain neighbour that must not be affected."""
    annotations = {**case.annotations, "neighbour.jpg": [annotation(region(), id=9)]}
    tasks = []
    for number, (name, of_image) in enumerate(annotations.items(), 1):
        file = folder / "images" / name
        if not (case.damage == "missing" and name == "a.jpg"):
            turned = 6 if case.damage == "turned" and name == "a.jpg" else 1
            seed = 1 if case.damage == "same" and name in ("a.jpg", "b.jpg") else number
            write_image(file, seed, orientation=turned)
        if case.damage == "truncated" and name == "a.jpg":
            file.write_bytes(file.read_bytes()[:700])
        tasks.append(
            {"id": number, "data": {"image": str(file)}, "annotations": add_creation_dates(of_image), "project": 1}
        )
    (folder / "export.json").write_text(json.dumps(tasks))
    if case.damage == "sink":
        (folder / "sink").mkdir()
        for document in tasks:
            (folder / "sink" / str(document["id"])).write_text(json.dumps(sink_document(document)))


def add_creation_dates(annotations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the date of creation to each annotation, as a real export has it."""
    return [one | {"created_at": one["updated_at"]} for one in annotations]


def convert(folder: Path) -> BoxesByImage:
    """Convert the case in this folder by our code. The name of an image that keeps its EXIF tag says so."""
    (folder / "ours").mkdir()
    is_sink = (folder / "sink").exists()
    where = Location(str(folder / ("sink" if is_sink else "export.json")), "THE_CASE", no_bucket)
    extraction = (SinkSource(where) if is_sink else ExportSource(where)).extract(folder / "ours")

    def fetch(url: str, into: Path) -> Path:
        return Path(url) if Path(url).exists() else ImageFetcher(None, no_bucket)(url, into)

    dataset = extract_dataset(extraction, None, fetch, Recipe(CLASSES), folder / "ours", SILENT)
    urls = dataset.sources.set_index("file")["url"]
    prefix = f"{folder / 'images'}/"
    return {name_with_orientation(dataset, i.file, urls[i.file].removeprefix(prefix)): [
        (dataset.classes.names[b.class_id], b.box.left, b.box.top, b.box.right, b.box.bottom) for b in i.boxes]
        for i in dataset}  # fmt: skip


def name_with_orientation(dataset: Dataset, file: str, name: str) -> str:
    """Add a remark to an image's name where its pixels are not as people saw them."""
    with Image.open(dataset.folder / file) as image:
        return name if image.getexif().get(0x0112, 1) == 1 else f"{name} (turned)"


def no_bucket() -> Any:
    """Fail: no case has its images in S3."""
    raise AssertionError("no case has its images in S3")


def round_boxes(boxes: BoxesByImage) -> BoxesByImage:
    """Round boxes to a tenth of a pixel, and sort those of an image."""
    return {name: sorted((c, *(round(e, 1) + 0.0 for e in box)) for c, *box in of) for name, of in boxes.items()}


def compare_boxes(converted: BoxesByImage | str, expected: BoxesByImage) -> str:
    """Compare a case's boxes with what is expected: `right`, or what is different. A text is the name of an error."""
    if isinstance(converted, str):
        return f"stops: {converted}"
    actual, wanted = round_boxes(converted), round_boxes({**expected, "neighbour.jpg": [SPEED]})
    if actual == wanted:
        return "right"
    parts = [f"{name} is lost" for name in wanted if name not in actual]
    for name in actual:
        if actual[name] != wanted.get(name):
            boxes = ", ".join(f"{c} {' '.join(f'{e:g}' for e in box)}" for c, *box in actual[name]) or "no sign"
            parts.append(f"{name}: {boxes}")
    return "; ".join(parts)
