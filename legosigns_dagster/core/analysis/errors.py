"""The kinds of errors of a detector.

The kinds are those of TIDE (Bolya et al., TIDE: A General Toolbox for Identifying Object Detection Errors, ECCV 2020),
with its "both" counted as background.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from legosigns_dagster.core.dataset.dataset import LabeledImage
from legosigns_dagster.core.evaluation.evaluation import Evaluation
from legosigns_dagster.core.geometry import MATCH_IOU, PixelBox
from legosigns_dagster.core.inference.detection import Detection

MIN_OVERLAP = 0.1  # IoU from which on a detection is about a box at all, as in TIDE


class ErrorKind(StrEnum):
    """What is wrong. The values are the words of the report."""

    MISSED = "missed"
    WRONG_CLASS = "wrong class"
    BADLY_PLACED = "badly placed"
    DOUBLED = "doubled"
    BACKGROUND = "background"


@dataclass(frozen=True)
class SignError:
    """One error of a detector.

    Attributes:
        image: The image with its annotated boxes.
        kind: What is wrong.
        class_id: The annotated class; of background the detected one.
        box: The annotated box, in pixels; of background the detected one.
    """

    image: LabeledImage
    kind: ErrorKind
    class_id: int
    box: PixelBox


def find_errors(images: Iterable[LabeledImage], evaluation: Evaluation) -> list[SignError]:
    """Find all errors among the detections of an evaluation that have a confidence of at least 0.25."""
    found = evaluation.by_file
    return [error for image in images for error in find_errors_in(image, found.get(image.file, []))]


def find_errors_in(image: LabeledImage, detections: Sequence[Detection]) -> list[SignError]:
    """Find the errors on one image.

    The most confident detection first, each stands for the box of its class that it overlaps most (IoU of at least
    0.5), of those that no detection before it has found. A box that a wrong class or a bad place is about is not
    counted again as missed.
    """
    errors: list[SignError] = []
    found: set[int] = set()
    touched: set[int | None] = set()
    for detection in sorted(detections, key=lambda one: -one.confidence):
        same = [n for n, labeled in enumerate(image.boxes) if labeled.class_id == detection.class_id]
        iou, number = nearest(image, detection, [n for n in same if n not in found])
        if number is not None and iou >= MATCH_IOU:
            found.add(number)
            continue
        kind, number = judge(image, detection, same)
        touched.add(number)
        errors.append(describe(image, kind, number, detection))
    missed = [number for number in range(len(image.boxes)) if number not in found | touched]
    return errors + [describe(image, ErrorKind.MISSED, number) for number in missed]


def nearest(image: LabeledImage, detection: Detection, numbers: Sequence[int]) -> tuple[float, int | None]:
    """Find the box that a detection overlaps most, of those with these numbers, and the IoU; (0, None) without any."""
    return max(((image.boxes[n].box.iou(detection.box), n) for n in numbers), default=(0.0, None))


def judge(image: LabeledImage, detection: Detection, same: Sequence[int]) -> tuple[ErrorKind, int | None]:
    """Tell what is wrong with a detection that found no box, and the number of the box that it is about.

    Args:
        image: The image.
        detection: The detection.
        same: Numbers of the boxes of its class.
    """
    iou, number = nearest(image, detection, same)
    if iou >= MATCH_IOU:
        return ErrorKind.DOUBLED, number
    other_iou, other = nearest(image, detection, [n for n in range(len(image.boxes)) if n not in same])
    if other_iou >= MATCH_IOU:
        return ErrorKind.WRONG_CLASS, other
    return (ErrorKind.BADLY_PLACED, number) if iou >= MIN_OVERLAP else (ErrorKind.BACKGROUND, None)


def describe(image: LabeledImage, kind: ErrorKind, number: int | None, detection: Detection | None = None) -> SignError:
    """Make the error about the box with this number; without a number, about a detection."""
    if number is not None:
        return SignError(image, kind, image.boxes[number].class_id, image.boxes[number].box)
    if detection is None:
        raise ValueError(f"an error of kind {kind} on {image.file} is about neither a box nor a detection")
    return SignError(image, kind, detection.class_id, detection.box)
