"""Annotations that may be wrong: where both weights see the same sign and the annotation says something else."""

from collections.abc import Sequence
from dataclasses import dataclass

from legosigns_dagster.core.dataset.dataset import LabeledImage
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.evaluation import Detection
from legosigns_dagster.core.geometry import MATCH_IOU, PixelBox

SURE = 0.5


@dataclass(frozen=True)
class LikelyError:
    """A sign that both weights see in an image, with the lower of their confidences, and what the annotation says."""

    file: str
    class_name: str
    confidence: float
    annotated: str


def likely_label_errors(part: SliceResults) -> list[LikelyError]:
    """The signs on which base and new agree against the annotation, the surest first.

    Both are sure (0.5), of the same class and place (IoU 0.5); there, the annotation has another class, or nothing.
    """
    base, new = part.base.by_file, part.new.by_file
    found = []
    for image in part.dataset:
        for one in sure(base.get(image.file, [])):
            seconded = [
                other.confidence
                for other in sure(new.get(image.file, []))
                if other.class_id == one.class_id and other.box.iou(one.box) >= MATCH_IOU
            ]
            annotated = annotation_at(image, one.class_id, one.box, part.dataset.classes.names)
            if seconded and annotated is not None:
                lower = min(one.confidence, max(seconded))
                found.append(LikelyError(image.file, part.dataset.classes.names[one.class_id], lower, annotated))
    return sorted(found, key=lambda error: (-error.confidence, error.file))


def sure(detections: Sequence[Detection]) -> list[Detection]:
    """Those that are sure."""
    return [detection for detection in detections if detection.confidence >= SURE]


def annotation_at(image: LabeledImage, class_id: int, box: PixelBox, names: tuple[str, ...]) -> str | None:
    """What the annotation says where the box is, in words; None where it agrees."""
    near = [labeled for labeled in image.boxes if labeled.box.iou(box) >= MATCH_IOU]
    if any(labeled.class_id == class_id for labeled in near):
        return None
    return names[near[0].class_id] if near else "nothing"
