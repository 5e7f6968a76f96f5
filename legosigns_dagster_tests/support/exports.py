"""A dataset that is hard to export, and the ways to read an export again."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.dataset.manifest import parse_facts, restore_boxes
from legosigns_dagster.core.dataset.yolo_format import read_yolo
from legosigns_dagster.core.files import file_sha256, folder_digest, index_folder
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.ingestion.incremental import Extraction, extract_dataset
from legosigns_dagster.core.ingestion.label_studio import read_documents
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.core.ingestion.task_images import list_urls, merge_by_task
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster_tests.support.builders import pixels, write_image
from legosigns_dagster_tests.support.logs import SILENT

NAMES = SignClasses(("SpeedLimit", "Danger & 'Ahead'", "Überholen"))
FILES = {
    "images/plain-0123456789.jpg": (TRAIN, 6),
    "images/no-sign.jpg": (TRAIN, 0),
    "images/cam 1/знак é.jpg": (VAL, 5),
    "images/cam 1/cam 2/a.b.png": (TEST, 40),
    "images/same.jpg": (TRAIN, 1),
    "images/cam 1/same.jpg": (TRAIN, 1),
}


def hard_dataset(folder: Path) -> Dataset:
    """Make a dataset of all splits: names in subfolders and in other alphabets, no sign, edges of all digits."""
    draw = np.random.default_rng(5)
    images = []
    for number, (file, (split, boxes)) in enumerate(FILES.items()):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        size_wh = (97 + number, 61)
        if file.endswith("png"):
            pixels(number, size_wh).save(folder / file)
        else:
            write_image(folder / file, seed=number, size_wh=size_wh)
        labels = tuple(random_box(draw, n % 3, size_wh) for n in range(boxes))
        group, origin = f"007/{number // 2} é", ("label-studio", "classical", "synthetic")[number % 3]
        images.append(LabeledImage(file, file_sha256(folder / file), size_wh, labels, split, group, origin))
    return Dataset.from_images(folder, NAMES, images)


def random_box(draw: np.random.Generator, class_id: int, size_wh: tuple[int, int]) -> LabeledBox:
    """A box with edges of all digits, or at the edges of the image."""
    (left, right), (top, bottom) = (sorted(draw.uniform(0, side, 2)) for side in size_wh)
    edges = (left, top, right + 2, bottom + 2) if draw.uniform() < 0.8 else (0.0, 0.0, right + 2, 1e9)
    return LabeledBox(class_id, PixelBox(*map(float, edges)).clip(size_wh))


def digest(dataset: Dataset) -> str:
    """Save a dataset and compute its digest."""
    return folder_digest(index_folder(dataset.save()))


def read_yolo_export(folder: Path, into: Path, classes: SignClasses = NAMES) -> Dataset:
    return read_yolo(folder, classes, into, "classical", SILENT)


def read_label_studio_export(tasks: Path, images: Path, into: Path, classes: SignClasses = NAMES) -> Dataset:
    """Read tasks with the images in a folder, as `raw_annotations` does."""
    found, rows = read_documents(tasks.name, tasks.read_text(encoding="utf-8"))
    extraction = Extraction(merge_by_task(found), rows)
    fetch = ImageFetcher(Location(str(images), "LABEL_STUDIO_IMAGES", no_client), no_client, None, list_urls(found))
    into.mkdir(exist_ok=True)
    return extract_dataset(extraction, None, fetch, Recipe(classes), into, SILENT)


def no_client() -> Any:
    raise AssertionError("images are in the folder")


def read_coco_export(folder: Path, into: Path) -> Dataset:
    """Read COCO's documents, and the facts of their images."""
    images: list[LabeledImage] = []
    classes = NAMES
    for document in sorted((folder / "annotations").iterdir()):
        content = json.loads(document.read_text(encoding="utf-8"))
        classes = SignClasses.from_ids({one["id"]: one["name"] for one in content["categories"]})
        for image in content["images"]:
            facts = parse_facts(image["legosigns"])
            assert document.name == f"instances_{facts.split}.json"
            boxes = [read_coco_box(one) for one in content["annotations"] if one["image_id"] == image["id"]]
            target = into / "images" / image["file_name"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((folder / "images" / facts.split / image["file_name"]).read_bytes())
            file, size_wh = f"images/{image['file_name']}", (image["width"], image["height"])
            read = replace(facts, file=file, sha256=file_sha256(target), size_wh=size_wh)
            images.append(replace(read, boxes=restore_boxes(boxes, facts.boxes)))
            assert len(boxes) == len(facts.boxes)
    return Dataset.from_images(into, classes, images)


def read_coco_box(annotation: dict[str, Any]) -> LabeledBox:
    x, y, width, height = annotation["bbox"]
    return LabeledBox(annotation["category_id"], PixelBox(x, y, x + width, y + height))
