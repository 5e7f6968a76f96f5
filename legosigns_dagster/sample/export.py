"""The sample's annotations as Label Studio exports them, and the cases that make reading an export hard."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.ingestion.fetched_images import image_name
from legosigns_dagster.sample.scenery import SIZE_WH

Json = dict[str, Any]
UPSIDE_DOWN = ("scene02_1.jpg", "scene05_0.jpg", "scene11_2.jpg")


def region(class_name: str, box: PixelBox, number: int) -> Json:
    """A rectangle, in percent of the image."""
    width, height = SIZE_WH
    value = {
        "x": box.left / width * 100,
        "y": box.top / height * 100,
        "width": box.width / width * 100,
        "height": box.height / height * 100,
        "rotation": 0,
        "rectanglelabels": [class_name],
    }
    return {
        "id": f"region-{number}",
        "type": "rectanglelabels",
        "value": value,
        "origin": "manual",
        "to_name": "image",
        "from_name": "label",
        "image_rotation": 0,
        "original_width": width,
        "original_height": height,
    }


def annotation(number: int, regions: Sequence[Json]) -> Json:
    """A submitted annotation."""
    stamp = f"2026-03-01T10:{number // 60:02d}:{number % 60:02d}.000000Z"
    return {
        "id": number,
        "completed_by": 1,
        "result": list(regions),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": stamp,
        "updated_at": stamp,
        "project": 1,
    }


def task(number: int, name: str, annotations: Sequence[Json]) -> Json:
    """A task with its annotations."""
    return {
        "id": number,
        "data": {"image": f"/data/local-files/?d=lego-signs/{name}"},
        "annotations": list(annotations),
        "predictions": [],
        "drafts": [],
        "project": 1,
    }


def export_tasks(images: Sequence[tuple[str, Sequence[tuple[str, PixelBox]]]]) -> list[Json]:
    """Make a task with one annotation for each image, from its name and its boxes with their class names."""
    tasks = []
    for number, (name, boxes) in enumerate(images, 1):
        regions = [region(class_name, box, number * 10 + index) for index, (class_name, box) in enumerate(boxes)]
        tasks.append(task(number, name, [annotation(number, regions)]))
    return tasks


def add_hard_cases(tasks: list[Json], images: Path) -> list[Json]:
    """Change an export to what people leave behind, and the images in folder `images` with it.

    Returns:
        The same tasks, changed in place.
    """
    by_name = {image_name(one_task["data"]["image"]): one_task for one_task in tasks}
    for name in UPSIDE_DOWN:
        store_upside_down(images / name)
    first = {name: one_task["annotations"][0] for name, one_task in by_name.items()}
    values = [rectangle["value"] for submitted in first.values() for rectangle in submitted["result"]]
    widen_over_edge(min(values, key=distance_to_edge))
    points = {"points": [[1, 1], [9, 1], [9, 9]], "polygonlabels": ["Track"]}
    outline = {"id": "outline", "type": "polygonlabels", "value": points, "to_name": "image", "from_name": "outline"}
    first["scene06_0.jpg"]["result"].append(outline)
    by_name["scene08_0.jpg"]["annotations"].append(annotation(900, first["scene08_0.jpg"]["result"]))
    first["scene08_0.jpg"]["result"] = []
    first["scene12_0.jpg"]["was_cancelled"] = True
    by_name["scene14_0.jpg"]["annotations"] = []
    tasks.append(task(len(tasks) + 1, "lost.jpg", [annotation(901, [])]))
    return tasks


def distance_to_edge(value: Json) -> float:
    """The distance of a rectangle from the image's left or right edge, in percent of the width."""
    return float(min(value["x"], 100 - value["x"] - value["width"]))


def widen_over_edge(value: Json) -> None:
    """Widen a rectangle until it extends beyond the image's left or right edge by two percent."""
    if value["x"] < 50:
        value["width"] += value["x"] + 2
        value["x"] = -2
    else:
        value["width"] = 102 - value["x"]


def store_upside_down(file: Path) -> None:
    """Turn the stored pixels by 180 degrees and note that in EXIF, so the image is displayed as before."""
    image = Image.open(file)
    exif = image.getexif()
    exif[0x0112] = 3
    image.transpose(Image.Transpose.ROTATE_180).save(file, quality=92, exif=exif)
