"""Average precision by the size of signs, in pixels as the network sees them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.dataset.dataset import LabeledImage
from legosigns_dagster.core.evaluation.bootstrap import MIN_GROUPS, Interval, bootstrap_intervals
from legosigns_dagster.core.evaluation.evaluation import IOU_COUNT, Evaluation, Matches
from legosigns_dagster.core.evaluation.matching import match_image
from legosigns_dagster.core.evaluation.score import mean_average_precision
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.inference.detection import Detection

Labels = list[tuple[int, PixelBox]]


class ObjectSize(Enum):
    """The sizes of COCO: the square root of a box's area, from the first value up to the second, in px."""

    SMALL = (0.0, 32.0)
    MEDIUM = (32.0, 96.0)
    LARGE = (96.0, math.inf)

    @classmethod
    def from_box(cls, box: PixelBox, size_wh: tuple[int, int], image_size: int) -> "ObjectSize":
        """The size of a box on an image of this width and height, whose longer side the network sees as `image_size`.

        Example:
            >>> ObjectSize.from_box(PixelBox(0, 0, 100, 100), (1920, 1080), image_size=640).name
            'MEDIUM'
        """
        side = math.sqrt(box.area) * image_size / max(size_wh)
        return next(size for size in cls if size.value[0] <= side < size.value[1])


@dataclass(frozen=True)
class SizeResults:
    """What both weights reach on the signs of one size.

    Attributes:
        size: The size.
        boxes: The number of annotated boxes.
        base: MAP50 of the base weights, 0 to 1, NaN without a box.
        new: MAP50 of the new weights, 0 to 1, NaN without a box.
        interval: The 95 % interval of the difference, NaN with boxes in fewer than 6 groups.
    """

    size: ObjectSize
    boxes: int
    base: float
    new: float
    interval: Interval


def compare_sizes(
    images: Sequence[LabeledImage], base: Evaluation, new: Evaluation, class_count: int, image_size: int
) -> list[SizeResults]:
    """Compute what both weights reach on each size, from detections with a confidence of at least 0.25.

    Args:
        images: The images with their annotated boxes.
        base: What the base weights find on them.
        new: What the new weights find on them.
        class_count: The number of classes.
        image_size: Side of the square that the network sees, in px.
    """
    return [
        compare_size(images, size, *(size_matches(images, one, size, class_count, image_size) for one in (base, new)))
        for size in ObjectSize
    ]


def compare_size(images: Sequence[LabeledImage], size: ObjectSize, base: Matches, new: Matches) -> SizeResults:
    """Compute what both weights reach on one size, from their matches with the boxes of that size."""
    groups = [image.group for image in images]
    interval = Interval(math.nan, math.nan)
    if len({groups[index] for index in np.flatnonzero(base.box_counts.sum(axis=1))}) >= MIN_GROUPS:
        interval = bootstrap_intervals(base, new, groups)[0][0]
    before, after = mean_average_precision(base)[0], mean_average_precision(new)[0]
    return SizeResults(size, int(base.box_counts.sum()), before, after, interval)


def size_matches(
    images: Sequence[LabeledImage], evaluation: Evaluation, size: ObjectSize, class_count: int, image_size: int
) -> Matches:
    """Match the detections of an evaluation with the boxes of one size, as COCO does it.

    A detection of a box of another size is left out, and so is a wrong detection that is itself of another size.
    """
    counts = np.zeros((len(images), class_count), np.int64)
    kept: list[tuple[int, Detection]] = []
    hits: list[npt.NDArray[np.bool_]] = [np.zeros((0, IOU_COUNT), bool)]
    for index, image in enumerate(images):
        inside, outside = split_labels(image, size, image_size)
        for class_id, _ in inside:
            counts[index, class_id] += 1
        found = sorted(evaluation.by_file.get(image.file, []), key=lambda one: -one.confidence)
        hit, elsewhere = match_image(found, inside), match_image(found, outside)
        for number, detection in enumerate(found):
            of_size = ObjectSize.from_box(detection.box, image.size_wh, image_size) is size
            if hit[number, 0] or (of_size and not elsewhere[number, 0]):
                kept.append((index, detection))
                hits.append(hit[number : number + 1])
    return Matches(
        files=tuple(image.file for image in images),
        image=np.array([index for index, _ in kept], np.int64),
        class_id=np.array([detection.class_id for _, detection in kept], np.int64),
        confidence=np.array([detection.confidence for _, detection in kept], np.float64),
        hit=np.concatenate(hits),
        box_counts=counts,
    )


def split_labels(image: LabeledImage, size: ObjectSize, image_size: int) -> Sequence[Labels]:
    """The class and box of each annotation of a size, and of all others."""
    inside: Labels = []
    outside: Labels = []
    for labeled in image.boxes:
        of_size = ObjectSize.from_box(labeled.box, image.size_wh, image_size) is size
        (inside if of_size else outside).append((labeled.class_id, labeled.box))
    return inside, outside
