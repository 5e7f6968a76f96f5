"""Suspected label errors: boxes on which both weights agree, and the annotation says something else."""

from collections.abc import Sequence
from dataclasses import dataclass

from legosigns_dagster.core.dataset.dataset import LabeledImage
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.geometry import MATCH_IOU, PixelBox
from legosigns_dagster.core.inference.detection import Detection

MIN_CONFIDENCE = 0.5


@dataclass(frozen=True)
class SuspectedLabelError:
    """A sign that both weights detect and that is annotated otherwise.

    Attributes:
        file: The image, relative to the dataset's folder.
        class_name: The class that both weights detect.
        confidence: The lower of both confidences, 0.5 to 1.
        annotation: What is annotated there: another class, or `no box`.
    """

    file: str
    class_name: str
    confidence: float
    annotation: str


def find_label_errors(results: SliceResults) -> list[SuspectedLabelError]:
    """Find the boxes on which both weights agree against the annotation, the highest confidence first.

    Both weights detect the same class at the same place (IoU of at least 0.5), each with a confidence of at least 0.5.
    """
    base, new, names = results.base.by_file, results.new.by_file, results.dataset.classes.names
    errors = []
    for image in results.dataset:
        for detection in confident(base.get(image.file, [])):
            confirming = [
                other.confidence
                for other in confident(new.get(image.file, []))
                if other.class_id == detection.class_id and other.box.iou(detection.box) >= MATCH_IOU
            ]
            annotation = conflicting_annotation(image, detection.class_id, detection.box, names)
            if confirming and annotation is not None:
                confidence = min(detection.confidence, max(confirming))
                errors.append(SuspectedLabelError(image.file, names[detection.class_id], confidence, annotation))
    return sorted(errors, key=lambda error: (-error.confidence, error.file))


def confident(detections: Sequence[Detection]) -> list[Detection]:
    """Keep the detections with a confidence of at least 0.5."""
    return [detection for detection in detections if detection.confidence >= MIN_CONFIDENCE]


def conflicting_annotation(image: LabeledImage, class_id: int, box: PixelBox, names: Sequence[str]) -> str | None:
    """Say what is annotated at a box where it is not this class.

    Returns:
        The name of another class, or `no box`. None where this class is annotated there.
    """
    near = [labeled for labeled in image.boxes if labeled.box.iou(box) >= MATCH_IOU]
    if any(labeled.class_id == class_id for labeled in near):
        return None
    return names[near[0].class_id] if near else "no box"
