"""COCO: a JSON file with the images and boxes of each split."""

import json
import math
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Dataset, LabeledImage
from legosigns_dagster.core.dataset.yolo_format import path_below_images
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.progress import Log, track_progress


def write_coco(dataset: Dataset, into: Path, log: Log) -> None:
    """Write `annotations/instances_<split>.json` for each split, with its images in `images/<split>`.

    The ids of categories are the class ids, from 0. Each image also has its group, its origin and its SHA-256.
    """
    (into / "annotations").mkdir()
    for split in (TRAIN, VAL, TEST):
        part = dataset.part(split)
        if not len(part.images):
            continue
        for image in track_progress(part, len(part.images), f"images of {split} written", log):
            target = into / "images" / split / path_below_images(image.file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(dataset.folder / image.file, target)
        document = coco_document(part, dataset.classes)
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        (into / "annotations" / f"instances_{split}.json").write_text(text, encoding="utf-8")


def coco_document(images: Iterable[LabeledImage], classes: SignClasses) -> dict[str, Any]:
    """Make the document of these images. Ids of images and annotations begin at 1: tools take an id of 0 for none."""
    listed: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, image in enumerate(images, 1):
        width, height = image.size_wh
        facts = {"split": image.split, "group": image.group, "origin": image.origin, "sha256": image.sha256}
        name = path_below_images(image.file)
        listed.append({"id": number, "file_name": name, "width": width, "height": height, **facts})
        for box in image.boxes:
            sides = coco_box(box.box)
            annotation = {"id": len(annotations) + 1, "image_id": number, "category_id": box.class_id}
            annotations.append(annotation | {"bbox": list(sides), "area": sides[2] * sides[3], "iscrowd": 0})
    categories = [{"id": number, "name": name} for number, name in classes.by_id().items()]
    return {"images": listed, "annotations": annotations, "categories": categories}


def coco_box(box: PixelBox) -> tuple[float, float, float, float]:
    """Give left, top, width and height of a box in px, such that left + width is its right edge to the last bit.

    Example:
        >>> 0.1 + (0.7 - 0.1), coco_box(PixelBox(0.1, 0, 0.7, 1))[2]
        (0.7, 0.6)
    """
    return box.left, box.top, exact_difference(box.left, box.right), exact_difference(box.top, box.bottom)


def exact_difference(low: float, high: float) -> float:
    """Find the number that gives `high` when it is added to `low`: rounding may make their difference another one.

    There is one where both are positive and `high` is the larger one, as in every box inside its image.
    """
    difference = high - low
    for _ in range(4):
        if low + difference != high:
            difference = math.nextafter(difference, math.inf if low + difference < high else -math.inf)
    return difference
