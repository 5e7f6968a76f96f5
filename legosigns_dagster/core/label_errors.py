"""Annotations that may be wrong: where both weights see the same sign and the annotation says something else."""

from dataclasses import dataclass

import pandas as pd

from legosigns_dagster.core.comparison import Slice
from legosigns_dagster.core.dataset import LabeledImage
from legosigns_dagster.core.gallery import MATCH_IOU
from legosigns_dagster.core.geometry import PixelBox

SURE = 0.5


@dataclass(frozen=True)
class LikelyError:
    """A sign that both weights see in an image, with the lower of their confidences, and what the annotation says."""

    file: str
    class_name: str
    confidence: float
    annotated: str


def likely_label_errors(part: Slice) -> list[LikelyError]:
    """The signs on which base and new agree against the annotation, the surest first.

    Both are sure (0.5), of the same class and place (IoU 0.5); there, the annotation has another class, or nothing.
    """
    found = []
    for image in part.dataset:
        new = detections_of(part.new.detections, image.file)
        for class_id, box, confidence in detections_of(part.base.detections, image.file):
            seconded = [c for other, where, c in new if other == class_id and where.iou(box) >= MATCH_IOU]
            annotated = annotation_at(image, class_id, box, part.dataset.classes.names)
            if seconded and annotated is not None:
                lower = min(confidence, max(seconded))
                found.append(LikelyError(image.file, part.dataset.classes.names[class_id], lower, annotated))
    return sorted(found, key=lambda error: (-error.confidence, error.file))


def detections_of(detections: pd.DataFrame, file: str) -> list[tuple[int, PixelBox, float]]:
    """Class id, box and confidence of each sure detection on an image."""
    rows = detections[(detections["file"] == file) & (detections["confidence"] >= SURE)]
    return [
        (int(r.class_id), PixelBox(r.left, r.top, r.right, r.bottom), float(r.confidence)) for r in rows.itertuples()
    ]


def annotation_at(image: LabeledImage, class_id: int, box: PixelBox, names: tuple[str, ...]) -> str | None:
    """What the annotation says where the box is, in words; None where it agrees."""
    near = [labeled for labeled in image.boxes if labeled.box.iou(box) >= MATCH_IOU]
    if any(labeled.class_id == class_id for labeled in near):
        return None
    return names[near[0].class_id] if near else "nothing"
