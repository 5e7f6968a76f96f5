"""Which classes a detector takes for which, and for background."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.dataset.dataset import LabeledImage
from legosigns_dagster.core.evaluation.evaluation import Evaluation
from legosigns_dagster.core.geometry import MATCH_IOU
from legosigns_dagster.core.inference.detection import Detection


def confusion_matrix(images: Iterable[LabeledImage], evaluation: Evaluation, class_count: int) -> npt.NDArray[np.int64]:
    """Count annotated classes by what is detected there, with a confidence of at least 0.25.

    Boxes and detections are paired one to one whatever their class, those that overlap most first (IoU of at least
    0.5).

    Returns:
        Shape (classes + 1, classes + 1): rows are annotated, columns detected, the last one of both is background.
        A row adds up to the boxes of its class.
    """
    background = class_count
    matrix = np.zeros((background + 1, background + 1), np.int64)
    for image in images:
        detections = evaluation.by_file.get(image.file, [])
        pairs = pair_boxes(image, detections)
        for number, labeled in enumerate(image.boxes):
            detected = detections[pairs[number]].class_id if number in pairs else background
            matrix[labeled.class_id, detected] += 1
        for number, detection in enumerate(detections):
            if number not in pairs.values():
                matrix[background, detection.class_id] += 1
    return matrix


def pair_boxes(image: LabeledImage, detections: Sequence[Detection]) -> dict[int, int]:
    """Pair the numbers of boxes with those of detections; of equal overlaps, the right class first."""
    candidates = sorted(
        (-iou, labeled.class_id != detection.class_id, -detection.confidence, b, d)
        for b, labeled in enumerate(image.boxes)
        for d, detection in enumerate(detections)
        if (iou := labeled.box.iou(detection.box)) >= MATCH_IOU
    )
    pairs: dict[int, int] = {}
    for *_, box, detection in candidates:
        if box not in pairs and detection not in pairs.values():
            pairs[box] = detection
    return pairs
