"""YOLO label files: a line for each box."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import LabeledBox
from legosigns_dagster.core.geometry import UnitBox
from legosigns_dagster.core.sources.source_files import read_text

MOST_BYTES = 10_000_000  # of a label file: a hundred thousand boxes
EDGE = 0.01  # rounding may put a box this far outside of its image, as a share of it: Ultralytics allows the same


@dataclass(frozen=True)
class LabelFile:
    """What a label file says.

    Attributes:
        boxes: The boxes in px, clipped to the image.
        polygons: How many lines were polygons, of which the upright envelope is used.
        doubled: How many lines said what an earlier line says, and are not used.
    """

    boxes: tuple[LabeledBox, ...] = ()
    polygons: int = 0
    doubled: int = 0


def read_labels(file: Path, size_wh: tuple[int, int], classes: SignClasses, keypoint_columns: int = 0) -> LabelFile:
    """Read a YOLO label file: a line `class x_center y_center width height` for each box, in shares of the image.

    As in Ultralytics, a line may also be a polygon, `class x y x y x y …`, and a class id a decimal. Where there are
    columns of keypoints, they follow a box, and no line is a polygon.

    Raises:
        ValueError: A line is something else (the message names it), or a box has no area.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     written = (file := Path(folder) / "a.txt").write_text("1 0.5 0.5 0.25 1.0")
        ...     read_labels(file, (64, 48), SignClasses(("SpeedLimit", "DangerAhead"))).boxes
        (LabeledBox(class_id=1, box=PixelBox(left=24.0, top=0.0, right=40.0, bottom=48.0)),)
    """
    lines = read_text(file, file.name, MOST_BYTES).splitlines()
    boxes: list[LabeledBox] = []
    polygons = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            class_id, *shares = parse_line(line, classes, keypoint_columns)
        except ValueError as error:
            expected = f"a class id below {len(classes.names)} and four fractions"
            raise ValueError(f"{file.name}, line {number} is {line[:80]!r}, expected {expected}: {error}") from error
        box = (UnitBox(*shares) if len(shares) == 4 else envelope(shares)).to_pixels(size_wh).clip(size_wh)
        if box.area <= 0:
            raise ValueError(f"{file.name} has a box without an inside: line {number} is {line[:80]!r}")
        boxes.append(LabeledBox(int(class_id), box))
        polygons += len(shares) != 4
    kept = drop_doubled(boxes, size_wh)
    return LabelFile(tuple(kept), polygons, len(boxes) - len(kept))


def drop_doubled(boxes: Iterable[LabeledBox], size_wh: tuple[int, int]) -> list[LabeledBox]:
    """Drop boxes that repeat an earlier one. Ultralytics, which compares them in 32 bits, uses such boxes once."""
    kept: dict[bytes, LabeledBox] = {}
    for label in boxes:
        unit = label.box.to_unit(size_wh)
        shares = (unit.x_center, unit.y_center, unit.width, unit.height)
        kept.setdefault(np.array([label.class_id, *(round(share, 9) for share in shares)], np.float32).tobytes(), label)
    return list(kept.values())


def parse_line(line: str, classes: SignClasses, keypoint_columns: int) -> list[float]:
    """Read the numbers of a line: the class id, then four shares of the image, or the corners of a polygon.

    Keypoints are left out.

    Raises:
        ValueError: It has something else.
    """
    class_id, *shares = numbers = [float(word) for word in line.split()]
    if keypoint_columns and len(numbers) == 5 + keypoint_columns:
        class_id, *shares = numbers = numbers[:5]
    if len(shares) != 4 and (len(shares) < 6 or len(shares) % 2 or keypoint_columns):
        raise ValueError(f"it has {len(numbers)} columns")
    if not (math.isfinite(class_id) and class_id == int(class_id) and 0 <= class_id < len(classes.names)):
        raise ValueError(f"there is no class {line.split()[0]}")
    if not all(-EDGE <= share <= 1 + EDGE for share in shares) or (len(shares) == 4 and min(shares[2:]) < 0):
        raise ValueError("a number is not between 0 and 1: are these pixels?")
    return numbers


def envelope(corners: list[float]) -> UnitBox:
    """Compute the upright box around a polygon, x and y of each corner as shares of the image."""
    left, right, top, bottom = min(corners[::2]), max(corners[::2]), min(corners[1::2]), max(corners[1::2])
    return UnitBox((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
