"""What an exported dataset says about its images, so that reading it gives the same dataset again, to the last bit.

The formats that other programs read have no place for an image's group and origin, and give boxes as shares with some
digits. So an export carries the facts of each image. They are used for an image whose bytes are the same, in the same
split. The boxes are those that the format has, since people change them; an exported box that was not moved gets its
exact edges back.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import (
    BOX_COLUMNS,
    IMAGE_COLUMNS,
    TEST,
    TRAIN,
    VAL,
    Dataset,
    LabeledBox,
    LabeledImage,
    Split,
    read_table,
    write_table,
)
from legosigns_dagster.core.geometry import PixelBox

FACTS = "legosigns"  # the folder with the tables beside a data.yaml, and the key in the data of a Label Studio task
IMAGES, BOXES = f"{FACTS}/images.csv", f"{FACTS}/boxes.csv"
SAME_PX = 1e-3  # an edge that is nearer than this was not moved: nobody draws so exactly, and formats round by less
SHA256_DIGITS = 64
LONGEST_PART = 255  # bytes of a file's name, as file systems have it

Manifest: TypeAlias = Mapping[tuple[Split, str], LabeledImage]  # by the image's split and its SHA-256


def write_manifest(dataset: Dataset, folder: Path) -> None:
    """Write the facts of all images into the folder of an export."""
    (folder / FACTS).mkdir(parents=True, exist_ok=True)
    write_table(dataset.images, folder / IMAGES)
    write_table(dataset.boxes, folder / BOXES)


def read_manifest(folder: Path, classes: SignClasses) -> Manifest:
    """Read the facts that an export has, none where it has no such tables.

    Raises:
        ValueError: A table is damaged. The message names it and says what to do.
    """
    if not (folder / IMAGES).exists() and not (folder / BOXES).exists():
        return {}
    try:
        images, boxes = read_table(folder / IMAGES), read_table(folder / BOXES)
        for table, columns in ((images, IMAGE_COLUMNS), (boxes, BOX_COLUMNS)):
            if list(table.columns) != columns:
                raise ValueError(f"the columns are {', '.join(table.columns)}, expected {', '.join(columns)}")
        found = [require_plausible(image) for image in Dataset(folder, classes, images, boxes)]
        if not images["file"].is_unique:
            raise ValueError("two images have the same file")
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"{folder / FACTS} is not as the export wrote it ({error}): export the dataset again, or remove this "
            "folder, and groups are made from the names of the images"
        ) from error
    return {(image.split, image.sha256): image for image in found}


def require_plausible(image: LabeledImage) -> LabeledImage:
    """Return the facts of an image, if they can be those of one.

    Raises:
        ValueError: Its file is not below `images/`, or its split or its digest is none.
    """
    path = PurePosixPath(image.file)
    is_below = path.parts[:1] == ("images",) and len(path.parts) > 1 and ".." not in path.parts
    if not is_below or "\0" in image.file or max(len(part.encode()) for part in path.parts) > LONGEST_PART:
        raise ValueError(f"the file is {image.file[:300]!r}, expected a path below images/")
    if image.split not in (TRAIN, VAL, TEST):
        raise ValueError(f"{image.file} has the split {image.split!r}, expected train, val or test")
    if len(image.sha256) != SHA256_DIGITS or not image.group:
        raise ValueError(f"{image.file} has no SHA-256 or no group")
    return image


def image_facts(image: LabeledImage) -> dict[str, Any]:
    """Write the facts of an image as JSON has them."""
    boxes = [[b.class_id, b.box.left, b.box.top, b.box.right, b.box.bottom] for b in image.boxes]
    return {"file": image.file, "sha256": image.sha256, "size": list(image.size_wh), "split": image.split,
            "group": image.group, "origin": image.origin, "boxes": boxes}  # fmt: skip


def parse_facts(facts: object) -> LabeledImage:
    """Read the facts of an image as `image_facts` wrote them.

    Raises:
        ValueError: They are something else.
    """
    try:
        if not isinstance(facts, dict):
            raise ValueError(f"they are a {type(facts).__name__}, expected an object")
        boxes = tuple(LabeledBox(int(class_id), PixelBox(*map(float, edges))) for class_id, *edges in facts["boxes"])
        if not all(math.isfinite(edge) for b in boxes for edge in vars(b.box).values()):
            raise ValueError("an edge of a box is no number")
        width, height = map(int, facts["size"])
        text = {name: str(facts[name]) for name in ("file", "sha256", "split", "group", "origin")}
        split = next((one for one in (TRAIN, VAL, TEST) if one == text["split"]), None)
        if split is None:
            raise ValueError(f"the split is {text['split']!r}, expected train, val or test")
        image = LabeledImage(text["file"], text["sha256"], (width, height), boxes, split, text["group"], text["origin"])
        return require_plausible(image)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(
            f"the facts of the exported image, '{FACTS}' in the task's data, cannot be read "
            f"({type(error).__name__}: {error}): remove that key, or import the task again"
        ) from error


def restore_boxes(read: Sequence[LabeledBox], exported: Sequence[LabeledBox]) -> tuple[LabeledBox, ...]:
    """Give boxes that were not moved since the export their exact edges back, in the order that they had.

    Boxes that were moved, relabelled or added follow as they were read.

    Example:
        >>> exported = [LabeledBox(1, PixelBox(0.1, 0.2, 9.3, 8.4)), LabeledBox(0, PixelBox(1, 2, 3, 4))]
        >>> read = [LabeledBox(0, PixelBox(1, 2, 5, 4)), LabeledBox(1, PixelBox(0.1, 0.2, 9.300000000000002, 8.4))]
        >>> [(one.class_id, one.box.right) for one in restore_boxes(read, exported)]
        [(1, 9.3), (0, 5)]
    """
    kept: dict[int, LabeledBox] = {}
    other = []
    for box in read:
        number = next((n for n, one in enumerate(exported) if n not in kept and is_same_box(box, one)), None)
        if number is None:
            other.append(box)
        else:
            kept[number] = exported[number]
    return (*(kept[number] for number in sorted(kept)), *other)


def is_same_box(one: LabeledBox, other: LabeledBox) -> bool:
    """Tell whether two boxes have the same class, and edges that differ by rounding alone."""
    edges = zip(vars(one.box).values(), vars(other.box).values(), strict=True)
    return one.class_id == other.class_id and all(abs(a - b) < SAME_PX for a, b in edges)
