"""YOLO folders: reading what people give, writing what a training or an evaluation reads."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import yaml

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.data_yaml import find_data_yaml, read_data_yaml
from legosigns_dagster.core.dataset.dataset import Dataset, LabeledImage
from legosigns_dagster.core.dataset.manifest import read_manifest
from legosigns_dagster.core.dataset.quarantine import quarantine_table
from legosigns_dagster.core.dataset.unused_files import name_unused_files
from legosigns_dagster.core.dataset.yolo_layout import YoloLayout
from legosigns_dagster.core.dataset.yolo_reader import YoloReader
from legosigns_dagster.core.progress import Log, track_progress
from legosigns_dagster.core.sources.source_files import list_source_files


def read_yolo(source: Path, classes: SignClasses, into: Path, origin: str, log: Log) -> Dataset:
    """Read a YOLO folder as its `data.yaml` says and store its images in folder `into`.

    An image that cannot be used becomes a row of the quarantine, and so does every file that is not read. The folder's
    own split is kept. An exported dataset that nobody changed becomes the same dataset again, whatever `origin` is.

    Raises:
        FileNotFoundError: There is not exactly one `data.yaml`.
        ValueError: Its classes are not `classes`, it names what is not there, or no image can be used.
    """
    files = list_source_files(source)
    data = read_data_yaml(find_data_yaml(files))
    classes.require(data.classes, str(data.file))
    layout = YoloLayout(files, data)
    images = layout.images()
    manifest = read_manifest(data.file.parent, classes)
    reader = YoloReader(files, classes, into, origin, data.keypoint_columns, manifest)
    (into / "images").mkdir(parents=True, exist_ok=True)
    for image in track_progress(images, len(images), f"images of {origin} read", log):
        reader.add(image)
    rows = [*reader.rows, *layout.rows, *name_unused_files(layout, images)]
    quarantine, adjustments = quarantine_table(rows), quarantine_table(reader.adjustments)
    for table in (quarantine, adjustments):
        for reason, named in table.groupby("reason"):
            log.warning(
                f"{origin}: {len(named)} {reason}; the first is {named['image'].iat[0]}: {named['detail'].iat[0]}"
            )
    if not reader.images:
        reasons = "; ".join(f"{row.image}: {row.detail}" for row in quarantine.head(3).itertuples())
        where = f"{data.file.parent} has no usable image in the splits that {data.file.name} names"
        raise ValueError(f"{where} ({reasons or 'there is no image'}): add images/train and images/val")
    dataset = Dataset.from_images(into, classes, reader.images)
    return Dataset(into, classes, dataset.images, dataset.boxes, quarantine=quarantine, adjustments=adjustments)


def path_below_images(file: str) -> str:
    """Give the path of a dataset's file below its folder `images`.

    Example:
        >>> path_below_images("images/cam 1/a.jpg")
        'cam 1/a.jpg'
    """
    return file.removeprefix("images/")


def copy_image(image: LabeledImage, folder: Path, into: Path) -> Path:
    """Copy an image of the dataset in `folder` into another folder, below which it keeps its subfolder."""
    target = into / path_below_images(image.file)
    target.parent.mkdir(parents=True, exist_ok=True)
    return shutil.copyfile(folder / image.file, target)


def write_split(images: Iterable[LabeledImage], folder: Path, split: str, into: Path) -> list[Path]:
    """Copy images and write their labels into `images/<split>` and `labels/<split>` below `into`, in their subfolders.

    They are copies, not links: Ultralytics rewrites a JPEG in place when it looks truncated, and would change the
    store's file.

    Returns:
        The absolute paths of the copies.
    """
    written = []
    for image in images:
        label = (into / "labels" / split / path_below_images(image.file)).with_suffix(".txt")
        label.parent.mkdir(parents=True, exist_ok=True)
        units = [(b.class_id, b.box.to_unit(image.size_wh)) for b in image.boxes]
        lines = [f"{c} {u.x_center:.9f} {u.y_center:.9f} {u.width:.9f} {u.height:.9f}\n" for c, u in units]
        label.write_text("".join(lines), encoding="utf-8")
        written.append(copy_image(image, folder, into / "images" / split).absolute())
    return written


def write_data_yaml(into: Path, train: str, val: str | list[str], classes: SignClasses) -> Path:
    """Write a `data.yaml` with absolute paths: Ultralytics looks for relative ones in a folder of its own."""
    file = into / "data.yaml"
    content = {"path": str(into.absolute()), "train": train, "val": val, "names": classes.by_id()}
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return file
