"""COCO: a JSON file with the images and boxes of each split."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Dataset, LabeledImage
from legosigns_dagster.core.dataset.manifest import FACTS, image_facts
from legosigns_dagster.core.dataset.yolo_format import copy_image, path_below_images
from legosigns_dagster.core.progress import Log, track_progress


def write_coco(dataset: Dataset, into: Path, log: Log) -> None:
    """Write `annotations/instances_<split>.json` for each split, with its images in `images/<split>`.

    The ids of categories are the class ids, from 0. Each image also has its facts.
    """
    (into / "annotations").mkdir()
    for split in (TRAIN, VAL, TEST):
        part = dataset.part(split)
        if not len(part.images):
            continue
        for image in track_progress(part, len(part.images), f"images of {split} written", log):
            copy_image(image, dataset.folder, into / "images" / split)
        document = coco_document(part, dataset.classes)
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        (into / "annotations" / f"instances_{split}.json").write_text(text, encoding="utf-8")


def coco_document(images: Iterable[LabeledImage], classes: SignClasses) -> dict[str, Any]:
    """Make the document of these images. Ids of images and annotations begin at 1: tools take an id of 0 for none.

    Left and width of a box do not always add up to its right edge to the last bit: the facts of its image have that.
    """
    listed: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, image in enumerate(images, 1):
        width, height = image.size_wh
        name, facts = path_below_images(image.file), image_facts(image)
        listed.append({"id": number, "file_name": name, "width": width, "height": height, FACTS: facts})
        for label in image.boxes:
            box = label.box
            annotation = {"id": len(annotations) + 1, "image_id": number, "category_id": label.class_id}
            sides = [box.left, box.top, box.width, box.height]
            annotations.append(annotation | {"bbox": sides, "area": box.area, "iscrowd": 0})
    categories = [{"id": number, "name": name} for number, name in classes.by_id().items()]
    return {"images": listed, "annotations": annotations, "categories": categories}
