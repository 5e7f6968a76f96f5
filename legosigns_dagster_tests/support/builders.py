"""Images, tasks, annotations, datasets and evaluations for tests, each made in one line."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from PIL import Image

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset, LabeledBox, LabeledImage, Split
from legosigns_dagster.core.evaluation.evaluation import (
    DETECTION_COLUMNS,
    IOU_COUNT,
    METRIC_COLUMNS,
    Evaluation,
    Matches,
)
from legosigns_dagster.core.files import FolderIndex, file_sha256
from legosigns_dagster.core.geometry import PixelBox

CLASSES = SignClasses(("SpeedLimit", "DangerAhead"))


def pixels(seed: int, size_wh: tuple[int, int] = (64, 48)) -> Image.Image:
    """Draw an image that looks like no other: coarse coloured noise."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size_wh, Image.Resampling.BICUBIC)


def write_image(file: Path, seed: int = 0, size_wh: tuple[int, int] = (64, 48), orientation: int = 1) -> Path:
    """Write a JPEG. `orientation` is its EXIF tag; the pixels are stored as they are."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = pixels(seed, size_wh)
    exif = image.getexif()
    if orientation != 1:
        exif[0x0112] = orientation
    image.save(file, quality=95, exif=exif)
    return file


def region(x: float = 25, y: float = 25, width: float = 50, height: float = 50, **changes: Any) -> dict[str, Any]:
    """Make a rectangle as Label Studio writes it, in percent of a 64x48 image. `value` is merged."""
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": 0, "rectanglelabels": ["SpeedLimit"]}
    value |= changes.pop("value", {})
    whole = {"id": "r1", "type": "rectanglelabels", "from_name": "label", "to_name": "image", "image_rotation": 0}
    return whole | {"original_width": 64, "original_height": 48, "value": value} | changes


def annotation(*regions: dict[str, Any], id: int = 1, **changes: Any) -> dict[str, Any]:
    """Make an annotation as it stands in a task."""
    stamp = f"2026-01-01T00:00:{id % 60:02d}.000000Z"
    return {"id": id, "result": list(regions), "was_cancelled": False, "ground_truth": False, "updated_at": stamp,
            "project": 1} | changes  # fmt: skip


def task(image: str, *annotations: dict[str, Any], id: int = 1, **data: Any) -> dict[str, Any]:
    """Make a task as it stands in an export."""
    return {"id": id, "data": {"image": f"https://example.invalid/bucket/{image}"} | data,
            "annotations": list(annotations), "predictions": [], "drafts": [], "project": 1}  # fmt: skip


def sink_document(whole: dict[str, Any], index: int = 0) -> dict[str, Any]:
    """Make the document that a target storage writes for one annotation of a task."""
    inner = {key: value for key, value in whole.items() if key != "annotations"}
    return dict(whole["annotations"][index], task=inner)


def write_export(file: Path, *tasks: dict[str, Any]) -> Path:
    """Write a JSON export."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(list(tasks)), encoding="utf-8")
    return file


def make_dataset(folder: Path, *splits: Split, origin: str = "label-studio", classes: SignClasses = CLASSES) -> Dataset:
    """Make a dataset with one image for each split name (train and val), each with one box of each class."""
    images = []
    for index, split in enumerate(splits or (TRAIN, VAL)):
        file = write_image(folder / "images" / f"{index}.jpg", seed=index)
        boxes = (LabeledBox(0, PixelBox(4.0, 4.0, 24.0, 24.0)), LabeledBox(1, PixelBox(30.0, 10.0, 50.0, 40.0)))
        images.append(
            LabeledImage(f"images/{index}.jpg", file_sha256(file), (64, 48), boxes, split, f"g{index}", origin)
        )
    return Dataset.from_images(folder, classes, images)


def evaluation(dataset: Dataset, *found: tuple[int, int, float], map50: float = 0.5) -> Evaluation:
    """Make an evaluation that detected these boxes: number of the image, number of its box, confidence."""
    images = list(dataset)
    rows: list[list[object]] = []
    for number, box_number, confidence in found:
        image = images[number]
        label = image.boxes[box_number]
        box = label.box
        rows.append([image.file, label.class_id, confidence, box.left, box.top, box.right, box.bottom])
    counted = dataset.boxes.groupby("class_name")["file"]
    images_with, boxes = counted.nunique().to_dict(), counted.size().to_dict()
    metrics: list[list[object]] = [["all", len(images), len(dataset.boxes), 0.8, 0.7, map50, map50 / 2]]
    for name in dataset.classes.names:
        metrics.append([name, images_with.get(name, 0), boxes.get(name, 0), 0.8, 0.7, map50, map50 / 2])
    detections = pd.DataFrame(rows, columns=DETECTION_COLUMNS)
    return Evaluation(pd.DataFrame(metrics, columns=METRIC_COLUMNS), detections, matches(dataset, detections))


def matches(dataset: Dataset, detections: pd.DataFrame) -> Matches:
    """Make matches of these detections, each of which is right at every IoU."""
    files = [image.file for image in dataset]
    box_counts = [
        [sum(b.class_id == c for b in image.boxes) for c in range(len(dataset.classes.names))] for image in dataset
    ]
    return Matches(
        files=tuple(files),
        image=np.array([files.index(str(file)) for file in detections["file"]], int),
        class_id=detections["class_id"].to_numpy(int),
        confidence=detections["confidence"].to_numpy(float),
        hit=np.ones((len(detections), IOU_COUNT), bool),
        box_counts=np.array(box_counts),
    )


def make_matches(images: int, missed: int = 0, loose: int = 0, classes: int = 2) -> Matches:
    """One box of each class on each image: the first `missed` not found, the next `loose` up to an IoU of 0.7 only."""
    rows = [(i, c) for i in range(images) for c in range(classes) if i >= missed]
    hit = np.ones((len(rows), IOU_COUNT), bool)
    for number, (image, _) in enumerate(rows):
        hit[number, 5:] = image >= missed + loose
    return Matches(
        files=tuple(f"{i}.jpg" for i in range(images)),
        image=np.array([i for i, _ in rows], int),
        class_id=np.array([c for _, c in rows], int),
        confidence=np.linspace(0.9, 0.5, len(rows), dtype=np.float64),
        hit=hit,
        box_counts=np.ones((images, classes), int),
    )


def write_folder(folder: Path, count: int = 20) -> Path:
    """Write a folder of small files, each with other bytes."""
    for number in range(count):
        file = folder / "images" / f"{number}.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes([number]) * 100)
    return folder


@dataclass(frozen=True)
class Note:
    """The smallest value that is saved as a folder: one text file."""

    downloads: ClassVar[tuple[str, ...]] = ("note.txt",)
    latest: ClassVar[tuple[str, ...]] = ("note.txt",)
    folder: Path
    index: FolderIndex | None = field(default=None, compare=False, repr=False)

    def save(self) -> Path:
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "Note":
        return cls(folder)

    @property
    def text(self) -> str:
        return (self.folder / "note.txt").read_text()
