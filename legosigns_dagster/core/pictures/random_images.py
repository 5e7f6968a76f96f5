"""Random images of a dataset with their boxes: one picture, or a sheet of several."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.data_yaml import DataYaml, find_data_yaml, read_data_yaml
from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.dataset.yolo_labels import read_labels
from legosigns_dagster.core.dataset.yolo_layout import YoloImage, YoloLayout
from legosigns_dagster.core.images.stored_image import open_opaque
from legosigns_dagster.core.pictures.gallery import class_overlays, draw_boxes, tile_sheet
from legosigns_dagster.core.sources.source_files import SourceFiles, list_source_files

ONE_PX, SHEET_PX, COLUMNS = 1280, 1600, 4  # widths of a picture of one image and of a sheet
UNIT = (1, 1)  # the size that labels are read with where only their classes count


@dataclass(frozen=True)
class ListedImage:
    """An image that can be shown.

    Attributes:
        name: What people know it by.
        split: Its split.
        class_ids: The class of each box.
        file: The image file, as in its dataset or its folder.
        read_boxes: Reads its boxes; takes the width and height of the image in px.
    """

    name: str
    split: str
    class_ids: tuple[int, ...]
    file: str
    read_boxes: Callable[[tuple[int, int]], Sequence[LabeledBox]]

    def text(self, classes: SignClasses) -> str:
        """Write name, split and boxes, as `images/a.jpg (train): 2 SpeedLimit, 1 DangerAhead`."""
        return f"{self.name} ({self.split}): {classes.describe(self.class_ids)}"


def list_dataset(dataset: Dataset) -> list[ListedImage]:
    """List the images of a dataset. No image is opened."""
    return list(map(list_dataset_image, dataset))


def list_dataset_image(image: LabeledImage) -> ListedImage:
    """List one image of a dataset."""
    class_ids = tuple(box.class_id for box in image.boxes)
    return ListedImage(image.file, image.split, class_ids, image.file, lambda _: image.boxes)


def list_yolo_folder(folder: Path) -> tuple[SignClasses, list[ListedImage], list[str]]:
    """List the images of a YOLO folder. No image is opened.

    Returns:
        The folder's classes, its images, and a reason for each image whose boxes cannot be read.

    Raises:
        FileNotFoundError: It has no `data.yaml`.
        ValueError: The `data.yaml` cannot be read, or names what is not there.
    """
    source = list_source_files(folder)
    data = read_data_yaml(find_data_yaml(source))
    images, reasons = [], []
    for image in YoloLayout(source, data).images():
        try:
            images.append(list_yolo_image(image, source, data))
        except (OSError, ValueError) as error:
            reasons.append(f"{image.name}: {error}")
    return data.classes, images, reasons


def list_yolo_image(image: YoloImage, source: SourceFiles, data: DataYaml) -> ListedImage:
    """List one image of a YOLO folder.

    Raises:
        ValueError: Its label file is damaged, or it cannot be told which one it is.
    """
    if image.doubt:
        raise ValueError(image.doubt)

    def read_boxes(size_wh: tuple[int, int]) -> Sequence[LabeledBox]:
        if not image.labels:
            return ()
        return read_labels(source.files[image.labels[0]], size_wh, data.classes, data.keypoint_columns).boxes

    class_ids = tuple(box.class_id for box in read_boxes(UNIT))
    return ListedImage(image.name, image.split, class_ids, image.path, read_boxes)


def choose_images(
    images: Sequence[ListedImage], classes: SignClasses, seed: int, count: int, class_name: str = "", split: str = ""
) -> list[ListedImage]:
    """Choose images at random: another seed gives others, the same seed the same ones.

    Args:
        images: To choose from.
        classes: Their classes.
        seed: From 0.
        count: At most so many are chosen.
        class_name: Only images with a sign of this class; empty for all.
        split: Only images of this split; empty for all.

    Raises:
        ValueError: There is no such class, or no such image. The message names what there is.
    """
    class_id = classes.class_id(class_name) if class_name else None
    fitting = [i for i in images if split in ("", i.split) and (class_id is None or class_id in i.class_ids)]
    if not fitting:
        wanted = " ".join(filter(None, [f"of {split}" if split else "", f"with {class_name}" if class_name else ""]))
        there = "; ".join(describe_splits(images, classes)) or "no image at all"
        raise ValueError(f"there is no image {wanted}".rstrip() + f": there is {there}")
    order = np.random.default_rng(seed).permutation(len(fitting))
    return [fitting[int(number)] for number in order[:count]]


def describe_splits(images: Sequence[ListedImage], classes: SignClasses) -> Iterator[str]:
    """Describe each split that has images, as `train: 48 images, 30 with SpeedLimit, 20 with DangerAhead`."""
    for split in (TRAIN, VAL, TEST):
        of_split = [image for image in images if image.split == split]
        if of_split:
            counts = Counter(class_id for image in of_split for class_id in set(image.class_ids))
            with_class = [f"{counts[number]} with {name}" for number, name in classes.by_id().items()]
            yield ", ".join([f"{split}: {len(of_split)} images", *with_class])


def draw_images(images: Sequence[ListedImage], folder: Path, classes: SignClasses) -> Image.Image:
    """Draw images with their boxes and the names of their classes: one large, or several on a sheet.

    Raises:
        ValueError: An image cannot be decoded.
    """
    columns = min(len(images), COLUMNS)
    width, text_px = (ONE_PX, 22) if columns == 1 else (SHEET_PX // columns, 12)
    tiles = []
    for image in images:
        picture = open_opaque(folder / image.file)
        overlays = class_overlays(image.read_boxes(picture.size), classes.names)
        tiles.append(draw_boxes(picture, overlays, width, text_px))
    return tile_sheet(tiles, width * columns, columns)
