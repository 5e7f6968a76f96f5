"""Flips: signs and false positives on which one of the weights is right and the other is wrong.

Negative flips are what an update of a detector breaks, whatever the means say (Yan et al., Positive-Congruent
Training: Towards Regression-Free Model Updates, CVPR 2021).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from legosigns_dagster.core.dataset.dataset import LabeledImage
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.geometry import MATCH_IOU, PixelBox
from legosigns_dagster.core.inference.detection import Detection


class FlipKind(StrEnum):
    """Which of the weights is right. The values are the headings in the report."""

    NEGATIVE = "base right, new wrong"
    POSITIVE = "base wrong, new right"


@dataclass(frozen=True)
class Flip:
    """One place in an image where one of the weights is right and the other is wrong.

    Attributes:
        image: The image with its annotated boxes.
        kind: Which of the weights is right.
        description: What happened, in words.
        confidence: Confidence of the detection that only one of the weights has, 0.25 to 1.
        box: The annotated box of a sign, or the detected box of a false positive. In pixels.
    """

    image: LabeledImage
    kind: FlipKind
    description: str
    confidence: float
    box: PixelBox


def best_confidence(detections: Sequence[Detection], class_id: int, box: PixelBox) -> float:
    """Return the highest confidence of the detections of this class at this box (IoU of at least 0.5).

    Returns:
        0.25 to 1, or 0 where there is no such detection.
    """
    matching = (d.confidence for d in detections if d.class_id == class_id and d.box.iou(box) >= MATCH_IOU)
    return max(matching, default=0.0)


def is_false_positive(image: LabeledImage, detection: Detection) -> bool:
    """Whether no box of the detected class is annotated where the detection is."""
    return not any(
        labeled.class_id == detection.class_id and labeled.box.iou(detection.box) >= MATCH_IOU
        for labeled in image.boxes
    )


def find_flips(results: SliceResults) -> list[Flip]:
    """Find all flips of a slice, those with the highest confidence first.

    Detections with a confidence below 0.25 do not count.
    """
    base, new, names = results.base.by_file, results.new.by_file, results.dataset.classes.names
    flips = [
        flip
        for image in results.dataset
        for flip in find_flips_in(image, base.get(image.file, []), new.get(image.file, []), names)
    ]
    return sorted(flips, key=lambda flip: (-flip.confidence, flip.image.file))


def find_flips_in(
    image: LabeledImage, base: Sequence[Detection], new: Sequence[Detection], names: Sequence[str]
) -> Iterator[Flip]:
    """Find the flips of one image, given the detections of both weights on it."""
    for labeled in image.boxes:
        before, after = (best_confidence(detections, labeled.class_id, labeled.box) for detections in (base, new))
        name = names[labeled.class_id]
        if before and not after:
            yield Flip(image, FlipKind.NEGATIVE, f"{name} is no longer found", before, labeled.box)
        if after and not before:
            yield Flip(image, FlipKind.POSITIVE, f"{name} is found now", after, labeled.box)
    for kind, wrong, right in ((FlipKind.NEGATIVE, new, base), (FlipKind.POSITIVE, base, new)):
        for detection in wrong:
            if is_false_positive(image, detection) and not best_confidence(right, detection.class_id, detection.box):
                start = "new" if kind is FlipKind.NEGATIVE else "no longer a"
                description = f"{start} false positive for {names[detection.class_id]}"
                yield Flip(image, kind, description, detection.confidence, detection.box)
