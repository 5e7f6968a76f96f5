"""Tasks for Label Studio: the images with their boxes as annotations, to be corrected there and read again."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.dataset.manifest import FACTS, image_facts
from legosigns_dagster.core.dataset.yolo_format import copy_image, path_below_images
from legosigns_dagster.core.progress import Log, track_progress

TASKS, CONFIG = "tasks.json", "labeling-config.xml"


def write_label_studio(dataset: Dataset, into: Path, log: Log, image_url: str) -> None:
    """Write `tasks.json`, `labeling-config.xml` and the images into a folder.

    Args:
        dataset: The dataset.
        into: An empty folder.
        log: Where progress is reported.
        image_url: The URL of the folder `images` as Label Studio reaches it, such as `s3://bucket/dataset/images`.
    """
    tasks = []
    for image in track_progress(dataset, len(dataset.images), "images written", log):
        name = path_below_images(image.file)
        copy_image(image, dataset.folder, into / "images")
        tasks.append(make_task(image, dataset.classes, f"{image_url.rstrip('/')}/{quote_path(name, image_url)}"))
    text = json.dumps(tasks, ensure_ascii=False, allow_nan=False, indent=1)
    (into / TASKS).write_text(text, encoding="utf-8")
    (into / CONFIG).write_text(labeling_config(dataset.classes), encoding="utf-8")


def quote_path(path: str, url: str) -> str:
    """Write a path for the end of a URL: percent-encoded, but as it is for storages such as S3.

    Example:
        >>> quote_path("a b.jpg", "/data/local-files/?d=images"), quote_path("a b.jpg", "s3://bucket")
        ('a%20b.jpg', 'a b.jpg')
    """
    scheme = url.partition("://")[0] if "://" in url else ""
    return quote(path) if scheme in ("", "http", "https") else path


def make_task(image: LabeledImage, classes: SignClasses, url: str) -> dict[str, Any]:
    """Make the task of an image, with one annotation. The image's facts are in its data, so that they come back."""
    regions = [make_region(number, box, image.size_wh, classes) for number, box in enumerate(image.boxes, 1)]
    return {"data": {"image": url, FACTS: image_facts(image)}, "annotations": [{"result": regions}]}


def make_region(number: int, label: LabeledBox, size_wh: tuple[int, int], classes: SignClasses) -> dict[str, Any]:
    """Make the region of a box, in percent of its image, as the labeling configuration has it."""
    (width, height), box = size_wh, label.box
    value = {"x": 100 * box.left / width, "y": 100 * box.top / height, "width": 100 * box.width / width,
             "height": 100 * box.height / height, "rotation": 0,
             "rectanglelabels": [classes.names[label.class_id]]}  # fmt: skip
    return {"id": f"box-{number}", "type": "rectanglelabels", "from_name": "label", "to_name": "image",
            "original_width": width, "original_height": height, "image_rotation": 0, "value": value}  # fmt: skip


def labeling_config(classes: SignClasses) -> str:
    """Write the labeling configuration of a project that can show these tasks."""
    labels = "\n".join(f"    <Label value={quoteattr(name)}/>" for name in classes.names)
    return (
        '<View>\n  <Image name="image" value="$image"/>\n  <RectangleLabels name="label" toName="image">\n'
        f"{labels}\n  </RectangleLabels>\n</View>\n"
    )
